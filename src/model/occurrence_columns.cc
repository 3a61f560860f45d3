// Layout: docs/format.md, "Record payload".
#include "model/occurrence_columns.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

namespace cairn::model {
namespace {

enum Flag : uint32_t {
  kHasEventId = 1u << 0,
  kHasPriority = 1u << 1,
  kBufferedSpans = 1u << 2,
  kHasTitle = 1u << 3,
  kHasSubtitle = 1u << 4,
  kHasResourceId = 1u << 5,
  kHasCulprit = 1u << 6,
  kHasLevel = 1u << 7,
  kHasAssignee = 1u << 8,
  kOddTime = 1u << 9,
  kIdLeftOut = 1u << 10,
  kTimeLeftOut = 1u << 11,
  kHasKey = 1u << 12,
  kKnownFlags = (1u << 13) - 1,
};

constexpr double kMicros = 1e6;
constexpr int64_t kMillisecond = 1000;
// Event ids and times are looked for this far into an event: they come early.
constexpr size_t kSearchedBytes = 4096;
constexpr size_t kIdDigits = 32;

uint64_t zigzag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}
// Differences are taken modulo 2^64, so that no pair of times is too far apart.
int64_t difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::string_view bytes_of(const Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

std::array<char, kIdDigits> digits_of(const Uuid& id) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, kIdDigits> out{};
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    out[2 * i] = kDigits[id.bytes[i] >> 4];
    out[2 * i + 1] = kDigits[id.bytes[i] & 15];
  }
  return out;
}

// Seconds since 1970 as most senders write them: no zeros at the end of the fraction, and no
// point without one.
class TimeText {
 public:
  explicit TimeText(int64_t micros) {
    const auto [end, error] =
        std::to_chars(text_.data(), text_.data() + text_.size(), micros / 1'000'000);
    size_ = static_cast<size_t>(end - text_.data());
    auto fraction = static_cast<uint32_t>(micros % 1'000'000);
    if (fraction == 0) return;
    text_[size_] = '.';
    for (size_t i = 6; i > 0; --i, fraction /= 10) {
      text_[size_ + i] = static_cast<char>('0' + fraction % 10);
    }
    size_ += 7;
    while (text_[size_ - 1] == '0') --size_;
  }
  std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::array<char, 32> text_{};
  size_t size_ = 0;
};

// The time in microseconds, when that is exactly the time.
std::optional<int64_t> whole_micros(double seconds) {
  if (!(seconds >= 0 && seconds < 1e12)) return std::nullopt;
  const auto micros = static_cast<int64_t>(std::llround(seconds * kMicros));
  const double back = static_cast<double>(micros) / kMicros;
  if (std::bit_cast<uint64_t>(back) != std::bit_cast<uint64_t>(seconds)) return std::nullopt;
  return micros;
}

constexpr size_t kNowhere = std::string_view::npos;

size_t find_in(std::string_view text, std::string_view wanted) {
  const size_t searched = std::min(text.size(), kSearchedBytes);
  const void* found = memmem(text.data(), searched, wanted.data(), wanted.size());
  return found == nullptr ? kNowhere
                          : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

// Where an event has exactly this time as its timestamp.
size_t find_time(std::string_view event, std::string_view time) {
  constexpr std::string_view kName = "\"timestamp\":";
  const size_t name = find_in(event, kName);
  if (name == kNowhere) return kNowhere;
  const size_t at = name + kName.size();
  return event.substr(at).starts_with(time) ? at : kNowhere;
}

// A piece left out of a text.
struct Gap {
  size_t at = 0;
  std::string_view text;
};

}  // namespace

void ByteColumn::grow(size_t more) {
  const size_t capacity = std::max({capacity_ * 2, size_ + more, size_t{1} << 10});
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ > 0) std::memcpy(bytes.get(), bytes_.get(), size_);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
}

uint64_t ColumnReader::long_number() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
    const auto byte = static_cast<uint8_t>(*at_++);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  fail();
  return 0;
}

// --- writing -----------------------------------------------------------------------------------

void OccurrenceColumnsWriter::clear() {
  for (ByteColumn& column : columns_) column.clear();
  for (ByteColumn& column : lengths_) column.clear();
  for (ByteColumn& column : texts_) column.clear();
  event_ids_.clear();
  ids_.clear();
  times_.clear();
  record_time_ = 0;
  count_ = 0;
  id_place_ = 0;  // the same records give the same bytes
}

void OccurrenceColumnsWriter::text(TextColumn column, std::string_view text) {
  lengths_[static_cast<size_t>(column)].number(text.size());
  texts_[static_cast<size_t>(column)].append(text);
}

void OccurrenceColumnsWriter::add(const Record& record) {
  const auto& o = std::get<Occurrence>(record.body);
  uint32_t flags = 0;
  const auto optional = [&](TextColumn column, const std::optional<std::string>& value,
                            uint32_t flag) {
    if (!value) return;
    flags |= flag;
    text(column, *value);
  };
  at(Column::RecordTimes).number(zigzag(difference(raw(record.time), record_time_)));
  record_time_ = raw(record.time);
  text(TextColumn::Actor, record.actor);
  if (record.key != Hash128{}) {
    flags |= kHasKey;
    at(Column::Keys).append(bytes_of(record.key.low));
    at(Column::Keys).append(bytes_of(record.key.high));
  }
  ids_.append(bytes_of(o.id));
  if (o.event_id) {
    flags |= kHasEventId;
    event_ids_.append(bytes_of(*o.event_id));
  }
  at(Column::Projects).number(raw(o.project));
  at(Column::Types).number(o.type);
  if (o.priority) {
    flags |= kHasPriority;
    at(Column::Priorities).number(zigzag(*o.priority));
  }
  if (o.is_buffered_spans) flags |= kBufferedSpans;
  at(Column::Fingerprints).number(o.fingerprint.size());
  for (size_t i = 0; i < o.fingerprint.size(); ++i) {
    text(i == 0 ? TextColumn::FirstFingerprint : TextColumn::MoreFingerprints, o.fingerprint[i]);
  }
  optional(TextColumn::Title, o.title, kHasTitle);
  optional(TextColumn::Subtitle, o.subtitle, kHasSubtitle);
  optional(TextColumn::ResourceId, o.resource_id, kHasResourceId);
  optional(TextColumn::Culprit, o.culprit, kHasCulprit);
  optional(TextColumn::Level, o.level_text, kHasLevel);
  optional(TextColumn::Assignee, o.assignee, kHasAssignee);
  const std::optional<int64_t> micros = whole_micros(o.detection_time);
  if (micros) {
    times_.push_back(*micros);
  } else {
    flags |= kOddTime;
    at(Column::OddTimes).append(bytes_of(o.detection_time));
  }
  text(TextColumn::EvidenceData, o.evidence_data);
  text(TextColumn::EvidenceDisplay, o.evidence_display);
  event(o, micros.value_or(-1), flags);
  text(TextColumn::Extra, o.extra);
  at(Column::Flags).number(flags);
  ++count_;
}

// The event without its own id and time, which are here already.
void OccurrenceColumnsWriter::event(const Occurrence& o, int64_t micros, uint32_t& flags) {
  std::array<Gap, 2> gaps;
  size_t count = 0;
  const std::string_view event = o.event;
  std::array<char, kIdDigits> digits{};
  if (o.event_id && !event.empty()) {
    digits = digits_of(*o.event_id);
    const std::string_view id(digits.data(), digits.size());
    const bool as_before = event.size() > id_place_ && event.substr(id_place_).starts_with(id);
    if (const size_t place = as_before ? id_place_ : find_in(event, id); place != kNowhere) {
      flags |= kIdLeftOut;
      id_place_ = place;
      at(Column::IdPlaces).number(place);
      gaps[count++] = {place, id};
    }
  }
  const TimeText time(std::max<int64_t>(micros, 0));
  if (micros >= 0 && !event.empty()) {
    const size_t place = find_time(event, time.view());
    const bool apart =
        count == 0 || place >= gaps[0].at + kIdDigits || place + time.view().size() <= gaps[0].at;
    if (place != kNowhere && apart) {
      flags |= kTimeLeftOut;
      at(Column::TimePlaces).number(place);
      gaps[count++] = {place, time.view()};
    }
  }
  if (count == 2 && gaps[1].at < gaps[0].at) std::swap(gaps[0], gaps[1]);
  ByteColumn& out = texts_[static_cast<size_t>(TextColumn::Event)];
  const size_t before = out.size();
  size_t from = 0;
  for (size_t i = 0; i < count; ++i) {
    out.append(event.substr(from, gaps[i].at - from));
    from = gaps[i].at + gaps[i].text.size();
  }
  out.append(event.substr(from));
  lengths_[static_cast<size_t>(TextColumn::Event)].number(out.size() - before);
}

void OccurrenceColumnsWriter::write(std::vector<std::byte>& out) {
  // Most senders measure in milliseconds.
  const bool coarse = std::all_of(times_.begin(), times_.end(),
                                  [](int64_t time) { return time % kMillisecond == 0; });
  int64_t before = 0;
  for (const int64_t time : times_) {
    const int64_t in_units = coarse ? time / kMillisecond : time;
    at(Column::Times).number(zigzag(in_units - before));
    before = in_units;
  }
  ByteColumn header;
  header.number(event_ids_.size() / sizeof(Uuid));
  header.number(coarse ? 1 : 0);
  for (const ByteColumn& column : columns_) header.number(column.size());
  for (size_t i = 0; i < kTextColumns; ++i) {
    header.number(lengths_[i].size());
    header.number(texts_[i].size());
  }
  const auto append = [&out](std::string_view bytes) {
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
    out.insert(out.end(), data, data + bytes.size());
  };
  append(header.view());
  for (const ByteColumn& column : columns_) append(column.view());
  for (size_t i = 0; i < kTextColumns; ++i) {
    append(lengths_[i].view());
    append(texts_[i].view());
  }
}

// --- reading -----------------------------------------------------------------------------------

bool OccurrenceColumnsReader::open(ColumnReader& in, uint32_t count, std::string_view plain) {
  *this = OccurrenceColumnsReader();
  const uint64_t event_ids = in.number();
  unit_ = in.number() == 1 ? kMillisecond : 1;
  std::array<uint64_t, kColumns> sizes{};
  std::array<std::array<uint64_t, 2>, kTextColumns> text_sizes{};
  for (uint64_t& size : sizes) size = in.number();
  for (auto& [lengths, texts] : text_sizes) {
    lengths = in.number();
    texts = in.number();
  }
  for (size_t i = 0; i < kColumns; ++i) columns_[i] = ColumnReader(in.text(sizes[i]));
  for (size_t i = 0; i < kTextColumns; ++i) {
    lengths_[i] = ColumnReader(in.text(text_sizes[i][0]));
    texts_[i] = ColumnReader(in.text(text_sizes[i][1]));
  }
  if (!in.ok() || event_ids > count || plain.size() != (event_ids + count) * sizeof(Uuid)) {
    return false;
  }
  event_ids_ = ColumnReader(plain.substr(0, event_ids * sizeof(Uuid)));
  ids_ = ColumnReader(plain.substr(event_ids * sizeof(Uuid)));
  return true;
}

std::string_view OccurrenceColumnsReader::text(TextColumn column) {
  const auto i = static_cast<size_t>(column);
  const uint64_t length = lengths_[i].number();
  const std::string_view taken = texts_[i].text(length);
  ok_ = ok_ && lengths_[i].ok() && texts_[i].ok();
  return taken;
}

void OccurrenceColumnsReader::text(TextColumn column, bool present,
                                   std::optional<std::string>& out) {
  if (!present) return out.reset();
  if (!out) out.emplace();
  out->assign(text(column));
}

namespace {

template <class T>
bool take(ColumnReader& in, T& out) {
  const std::string_view bytes = in.text(sizeof out);
  if (bytes.size() != sizeof out) return false;
  std::memcpy(&out, bytes.data(), sizeof out);
  return true;
}

}  // namespace

bool OccurrenceColumnsReader::read(Record& record) {
  if (!std::holds_alternative<Occurrence>(record.body)) record.body.emplace<Occurrence>();
  auto& o = std::get<Occurrence>(record.body);
  const uint64_t all_flags = number(Column::Flags);
  if ((all_flags & ~uint64_t{kKnownFlags}) != 0) return false;
  const auto flags = static_cast<uint32_t>(all_flags);
  record_time_ = sum(record_time_, unzigzag(number(Column::RecordTimes)));
  record.time = TimeUs{record_time_};
  record.actor.assign(text(TextColumn::Actor));
  record.key = {};
  if ((flags & kHasKey) != 0) {
    ok_ = ok_ && take(at(Column::Keys), record.key.low) && take(at(Column::Keys), record.key.high);
  }
  ok_ = ok_ && take(ids_, o.id.bytes);
  o.event_id.reset();
  if ((flags & kHasEventId) != 0) ok_ = ok_ && take(event_ids_, o.event_id.emplace().bytes);
  o.project = ProjectId{number(Column::Projects)};
  const uint64_t type = number(Column::Types);
  ok_ = ok_ && type <= UINT32_MAX;
  o.type = static_cast<uint32_t>(type);
  o.priority.reset();
  if ((flags & kHasPriority) != 0) {
    const int64_t priority = unzigzag(number(Column::Priorities));
    ok_ = ok_ && priority == static_cast<int32_t>(priority);
    o.priority = static_cast<int32_t>(priority);
  }
  o.is_buffered_spans = (flags & kBufferedSpans) != 0;
  const uint64_t entries = number(Column::Fingerprints);
  // Each entry has a length: a count beyond those is damage, not a reason to allocate.
  if (entries > 1 + lengths_[static_cast<size_t>(TextColumn::MoreFingerprints)].remaining()) {
    return false;
  }
  o.fingerprint.resize(entries);
  for (size_t i = 0; i < entries; ++i) {
    o.fingerprint[i].assign(
        text(i == 0 ? TextColumn::FirstFingerprint : TextColumn::MoreFingerprints));
  }
  text(TextColumn::Title, (flags & kHasTitle) != 0, o.title);
  text(TextColumn::Subtitle, (flags & kHasSubtitle) != 0, o.subtitle);
  text(TextColumn::ResourceId, (flags & kHasResourceId) != 0, o.resource_id);
  text(TextColumn::Culprit, (flags & kHasCulprit) != 0, o.culprit);
  text(TextColumn::Level, (flags & kHasLevel) != 0, o.level_text);
  text(TextColumn::Assignee, (flags & kHasAssignee) != 0, o.assignee);
  int64_t micros = 0;
  if ((flags & kOddTime) != 0) {
    ok_ = ok_ && take(at(Column::OddTimes), o.detection_time);
  } else {
    time_ = sum(time_, unzigzag(number(Column::Times)));
    micros = static_cast<int64_t>(static_cast<uint64_t>(time_) * static_cast<uint64_t>(unit_));
    o.detection_time = static_cast<double>(micros) / kMicros;
  }
  o.evidence_data.assign(text(TextColumn::EvidenceData));
  o.evidence_display.assign(text(TextColumn::EvidenceDisplay));
  ok_ = ok_ && event(flags, micros, o);
  o.extra.assign(text(TextColumn::Extra));
  return ok_;
}

bool OccurrenceColumnsReader::event(uint32_t flags, int64_t micros, Occurrence& o) {
  const std::string_view kept = text(TextColumn::Event);
  std::array<Gap, 2> gaps;
  size_t count = 0;
  std::array<char, kIdDigits> digits{};
  if ((flags & kIdLeftOut) != 0) {
    if (!o.event_id) return false;
    digits = digits_of(*o.event_id);
    gaps[count++] = {number(Column::IdPlaces), {digits.data(), digits.size()}};
  }
  const TimeText time(std::max<int64_t>(micros, 0));
  if ((flags & kTimeLeftOut) != 0) {
    gaps[count++] = {number(Column::TimePlaces), time.view()};
  }
  if (count == 0) {
    o.event.assign(kept);
    return true;
  }
  if (count == 2 && gaps[1].at < gaps[0].at) std::swap(gaps[0], gaps[1]);
  o.event.clear();
  o.event.reserve(kept.size() + gaps[0].text.size() + gaps[1].text.size());
  size_t from = 0;
  for (size_t i = 0; i < count; ++i) {
    if (gaps[i].at < o.event.size() || gaps[i].at - o.event.size() > kept.size() - from) {
      return false;
    }
    const size_t piece = gaps[i].at - o.event.size();
    o.event.append(kept.substr(from, piece)).append(gaps[i].text);
    from += piece;
  }
  o.event.append(kept.substr(from));
  return true;
}

bool OccurrenceColumnsReader::done() const {
  const auto is_done = [](const ColumnReader& column) { return column.done(); };
  return std::all_of(columns_.begin(), columns_.end(), is_done) &&
         std::all_of(lengths_.begin(), lengths_.end(), is_done) &&
         std::all_of(texts_.begin(), texts_.end(), is_done) && event_ids_.done() && ids_.done();
}

}  // namespace cairn::model
