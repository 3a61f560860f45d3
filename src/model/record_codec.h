// Records as the payload of a log frame: occurrences as columns, the others as a Cap'n Proto
// message. Layout: docs/format.md, "Record payload", and schema/record.capnp.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/record.h"

namespace cairn::model {

// Reusable: keeps its buffers. Thread: one at a time.
class RecordEncoder {
 public:
  RecordEncoder();
  ~RecordEncoder();
  RecordEncoder(const RecordEncoder&) = delete;
  RecordEncoder& operator=(const RecordEncoder&) = delete;

  // The payload; lives until the next call.
  std::span<const std::byte> encode(std::span<const Record> records);
  // So many bytes at the end of the payload are ids, which no compression makes smaller.
  size_t plain_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A payload on its own.
std::vector<std::byte> encode_records(std::span<const Record> records);

// Calls `each` for every record of a payload in order, until one returns an error. The record is
// lent for the call; it may be moved from, but what is left is used again for the next.
// Errors: Corruption (not a valid payload, wrong count, bad values), Unsupported (record of a
// kind this build does not know), or what `each` returned.
Result<void> decode_records(std::span<const std::byte> payload, uint32_t count,
                            const std::function<Result<void>(Record&&)>& each);

}  // namespace cairn::model
