// Layout: docs/format.md, "Record payload"; of records that are no occurrences:
// schema/record.capnp.
#include "model/record_codec.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <variant>

#include "model/occurrence_columns.h"
#include "model/record_message.h"

namespace cairn::model {

struct RecordEncoder::Impl {
  OccurrenceColumnsWriter occurrences;
  std::vector<const Record*> others;
  ByteColumn gaps;  // occurrences before each of the others
  std::vector<std::byte> payload;
  size_t plain_bytes = 0;
};

RecordEncoder::RecordEncoder() : impl_(std::make_unique<Impl>()) {}
RecordEncoder::~RecordEncoder() = default;

std::span<const std::byte> RecordEncoder::encode(std::span<const Record> records) {
  Impl& f = *impl_;
  f.occurrences.clear();
  f.others.clear();
  f.gaps.clear();
  f.payload.clear();
  uint32_t before = 0;
  for (const Record& record : records) {
    if (std::holds_alternative<Occurrence>(record.body)) {
      f.occurrences.add(record);
      continue;
    }
    f.gaps.number(f.occurrences.count() - before);
    before = f.occurrences.count();
    f.others.push_back(&record);
  }
  const auto append = [&f](std::string_view bytes) {
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
    f.payload.insert(f.payload.end(), data, data + bytes.size());
  };
  ByteColumn header;
  header.number(f.occurrences.count());
  header.number(f.others.size());
  append(header.view());
  append(f.gaps.view());
  if (f.occurrences.count() > 0) f.occurrences.write(f.payload);
  if (!f.others.empty()) append_message(f.others, f.payload);
  f.plain_bytes = 0;
  for (const std::string_view ids : f.occurrences.plain()) {
    append(ids);
    f.plain_bytes += ids.size();
  }
  return f.payload;
}

size_t RecordEncoder::plain_bytes() const { return impl_->plain_bytes; }

std::vector<std::byte> encode_records(std::span<const Record> records) {
  RecordEncoder encoder;
  const auto payload = encoder.encode(records);
  return {payload.begin(), payload.end()};
}

namespace {

// A payload taken apart.
struct Payload {
  uint32_t occurrences = 0;
  uint32_t others = 0;
  ColumnReader gaps;
  OccurrenceColumnsReader columns;
  RecordMessage other_records;

  Result<void> open(std::string_view bytes, uint32_t count) {
    ColumnReader in(bytes);
    const uint64_t occurrence_count = in.number(), other_count = in.number();
    if (!in.ok() || occurrence_count > count || occurrence_count + other_count != count) {
      return corrupt_payload(
          fmt::format("{} occurrences and {} other records, the frame says {} in all",
                      occurrence_count, other_count, count));
    }
    occurrences = static_cast<uint32_t>(occurrence_count);
    others = static_cast<uint32_t>(other_count);
    gaps = ColumnReader(in.text(in.remaining()));
    ColumnReader rest = gaps;
    for (uint32_t i = 0; i < others; ++i) rest.number();
    if (!rest.ok()) return corrupt_payload("it ends too early");
    // Event ids, then ids, at the very end; how many event ids there are, the columns say.
    const size_t left = rest.remaining();
    std::string_view tail = rest.text(left);
    uint64_t event_ids = 0;
    ColumnReader columns_in(tail);
    if (occurrences > 0) {
      event_ids = OccurrenceColumnsReader::event_ids(columns_in);
      const uint64_t plain = (event_ids + occurrences) * sizeof(Uuid);
      if (event_ids > occurrences || plain > tail.size()) return corrupt_payload("ids are missing");
      columns_in = ColumnReader(tail.substr(0, tail.size() - plain));
      if (!columns.open(columns_in, occurrences, tail.substr(tail.size() - plain))) {
        return corrupt_payload("its columns are not whole");
      }
    }
    return other_records.open(columns_in.text(columns_in.remaining()), others);
  }
};

}  // namespace

Result<void> decode_records(std::span<const std::byte> payload, uint32_t count,
                            const std::function<Result<void>(Record&&)>& each) {
  Payload parts;
  CAIRN_TRY(parts.open(as_chars(payload), count));
  Record record, other;
  uint32_t done = 0;
  const auto occurrences = [&](uint64_t wanted) -> Result<void> {
    if (wanted > parts.occurrences - done) return corrupt_payload("too few occurrences");
    for (const uint64_t end = done + wanted; done < end; ++done) {
      if (!parts.columns.read(record)) return corrupt_payload("an occurrence is damaged");
      CAIRN_TRY(each(std::move(record)));
    }
    return {};
  };
  for (uint32_t i = 0; i < parts.others; ++i) {
    CAIRN_TRY(occurrences(parts.gaps.number()));
    CAIRN_TRY(parts.other_records.next(other));
    CAIRN_TRY(each(std::move(other)));
  }
  CAIRN_TRY(occurrences(parts.occurrences - done));
  if (parts.occurrences > 0 && !parts.columns.done())
    return corrupt_payload("more than its records");
  return {};
}

}  // namespace cairn::model
