// The occurrences of one log frame as columns: like members lie together, which compresses better
// and decodes faster than record after record. Ids lie at the end, as nothing compresses them.
//
// Layout: docs/format.md, "Record payload". Exact: what is decoded equals what was encoded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/record.h"

namespace cairn::model {

// Bytes under way, kept for the next frame.
class ByteColumn {
 public:
  void clear() { size_ = 0; }
  size_t size() const { return size_; }
  std::string_view view() const { return {bytes_.get(), size_}; }
  void append(std::string_view text) {
    reserve(text.size());
    if (!text.empty()) std::memcpy(bytes_.get() + size_, text.data(), text.size());
    size_ += text.size();
  }
  // 7 bits a byte, the lowest first; the highest bit: more follow.
  void number(uint64_t value) {
    reserve(10);
    for (; value >= 0x80; value >>= 7) bytes_[size_++] = static_cast<char>(value | 0x80);
    bytes_[size_++] = static_cast<char>(value);
  }

 private:
  void reserve(size_t more) {
    if (capacity_ - size_ < more) grow(more);
  }
  void grow(size_t more);

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Reads a column. After a read past the end everything reads as zero and ok() is false.
class ColumnReader {
 public:
  ColumnReader() = default;
  explicit ColumnReader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}
  uint64_t number() {
    if (at_ != end_ && static_cast<signed char>(*at_) >= 0) return static_cast<uint8_t>(*at_++);
    return long_number();
  }
  std::string_view text(uint64_t size) {
    if (size > static_cast<uint64_t>(end_ - at_)) {
      fail();
      return {};
    }
    const std::string_view taken(at_, size);
    at_ += size;
    return taken;
  }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  bool ok() const { return ok_; }
  // Everything was read and nothing is left over.
  bool done() const { return ok_ && at_ == end_; }

 private:
  uint64_t long_number();
  void fail() {
    ok_ = false;
    at_ = end_;
  }
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  bool ok_ = true;
};

// The columns, in the order they lie in. Texts have two: lengths here, bytes in kTextColumns.
enum class Column : uint8_t {
  RecordTimes,  // difference to the record before, microseconds, zigzag
  Flags,
  Projects,
  Types,
  Priorities,    // zigzag
  Fingerprints,  // how many
  Times,         // detection time: difference to the one before, in the frame's unit, zigzag
  OddTimes,      // detection times that are no whole microseconds: 8 bytes each
  IdPlaces,      // where the event has its event id, which is left out there
  TimePlaces,    // the same for the detection time
  Keys,          // 16 bytes each
};
inline constexpr size_t kColumns = 11;

enum class TextColumn : uint8_t {
  Actor,
  FirstFingerprint,
  MoreFingerprints,
  Title,
  Subtitle,
  ResourceId,
  Culprit,
  Level,
  Assignee,
  EvidenceData,
  EvidenceDisplay,
  Event,
  Extra,
};
inline constexpr size_t kTextColumns = 13;

class OccurrenceColumnsWriter {
 public:
  void clear();
  // `record` holds an occurrence.
  void add(const Record& record);
  uint32_t count() const { return count_; }
  // Appends the columns to `out`, then `plain()` is what belongs at the end of the payload.
  void write(std::vector<std::byte>& out);
  std::array<std::string_view, 2> plain() const { return {event_ids_.view(), ids_.view()}; }

 private:
  ByteColumn& at(Column column) { return columns_[static_cast<size_t>(column)]; }
  void text(TextColumn column, std::string_view text);
  void event(const Occurrence& occurrence, int64_t micros, uint32_t& flags);

  std::array<ByteColumn, kColumns> columns_;
  std::array<ByteColumn, kTextColumns> lengths_;
  std::array<ByteColumn, kTextColumns> texts_;
  ByteColumn event_ids_, ids_;
  std::vector<int64_t> times_;  // detection times that are whole microseconds
  int64_t record_time_ = 0;
  uint32_t count_ = 0;
  size_t id_place_ = 0;  // in the event before: likely the same in the next
};

class OccurrenceColumnsReader {
 public:
  // How many event ids there are: the first number of the columns.
  static uint64_t event_ids(ColumnReader columns) { return columns.number(); }
  // Takes the columns off the front of `in`; `plain` are the ids of `count` occurrences. False:
  // they are not whole.
  bool open(ColumnReader& in, uint32_t count, std::string_view plain);
  // The next one, into a record whose strings are used again. False: damaged. Precondition: not all
  // were read.
  bool read(Record& record);
  // Everything was read and nothing is left over.
  bool done() const;

 private:
  ColumnReader& at(Column column) { return columns_[static_cast<size_t>(column)]; }
  uint64_t number(Column column) {
    ColumnReader& in = at(column);
    const uint64_t value = in.number();
    ok_ = ok_ && in.ok();
    return value;
  }
  std::string_view text(TextColumn column);
  void text(TextColumn column, bool present, std::optional<std::string>& out);
  bool event(uint32_t flags, int64_t micros, Occurrence& out);

  std::array<ColumnReader, kColumns> columns_;
  std::array<ColumnReader, kTextColumns> lengths_;
  std::array<ColumnReader, kTextColumns> texts_;
  ColumnReader event_ids_, ids_;
  int64_t unit_ = 1;
  int64_t time_ = 0;
  int64_t record_time_ = 0;
  bool ok_ = true;
};

}  // namespace cairn::model
