// The records of a frame that are no occurrences, as one Cap'n Proto message. The one reader and
// writer of schema/record.capnp; record_codec.h puts it beside the columns of occurrences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/record.h"

namespace cairn::model {

// Corruption of a record payload.
Error corrupt_payload(std::string_view what);

// Precondition: none of them is an occurrence.
void append_message(std::span<const Record* const> records, std::vector<std::byte>& out);

// The same in reverse: the records one after the other. Errors: Corruption; Unsupported for a kind
// of record this build does not know. Thread: one.
class RecordMessage {
 public:
  RecordMessage();
  ~RecordMessage();
  RecordMessage(const RecordMessage&) = delete;
  RecordMessage& operator=(const RecordMessage&) = delete;

  Result<void> open(std::string_view bytes, uint32_t count);
  // Precondition: not all were read.
  Result<void> next(Record& record);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::model
