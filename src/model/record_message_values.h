// How values that several kinds of records hold lie in the message (schema/record.capnp). Internal
// to the record codec.
#pragma once

#include <capnp/common.h>
#include <record.capnp.h>

#include <string>

#include "base/uuid.h"

namespace cairn::model {

// Valid as long as the string.
inline capnp::Text::Reader as_text(const std::string& value) {
  return {value.c_str(), value.size()};
}

inline void read(capnp::Text::Reader value, std::string& out) {
  out.assign(value.begin(), value.size());
}

inline void write(const Uuid& id, schema::Uuid::Builder out) {
  uint64_t high = 0, low = 0;
  for (size_t i = 0; i < 8; ++i) {
    high = high << 8 | id.bytes[i];
    low = low << 8 | id.bytes[i + 8];
  }
  out.setHigh(high);
  out.setLow(low);
}

inline Uuid read(schema::Uuid::Reader in) {
  Uuid id;
  for (size_t i = 0; i < 8; ++i) {
    id.bytes[7 - i] = static_cast<uint8_t>(in.getHigh() >> 8 * i);
    id.bytes[15 - i] = static_cast<uint8_t>(in.getLow() >> 8 * i);
  }
  return id;
}

}  // namespace cairn::model
