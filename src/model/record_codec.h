// Records as bytes: one Cap'n Proto message (schema/record.capnp) holds the records of one frame.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/record.h"

namespace cairn::model {

// Collects records and encodes them. Reusable; not thread-safe.
std::vector<std::byte> encode_records(std::span<const Record> records);

// Calls `each` for every record of a payload in order, until one returns an error.
// `payload` must be aligned to 8 bytes. The record is lent for the call; it may be moved from.
// Errors: Corruption (not a valid message, wrong count, bad values), Unsupported (record of a
// kind this build does not know), or what `each` returned.
Result<void> decode_records(std::span<const std::byte> payload, uint32_t count,
                            const std::function<Result<void>(Record&&)>& each);

}  // namespace cairn::model
