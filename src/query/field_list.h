// What a store's queries can be written with: every field, and every tag that an occurrence has.
// Thread: any; borrows its arguments for the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/view.h"

namespace cairn::query {

struct FieldInfo {
  std::string name;                   // as written in a query
  std::vector<std::string> aliases;   // other names of the same
  std::string scope;                  // occurrence, tag, time, issue, filter (is:, has:)
  std::string type;                   // text, number, version, date, word, person, id
  std::string operators;              // as written between key and value; "=" is none written
  std::optional<uint64_t> values;     // distinct ones in the store, of occurrence fields and tags
  std::vector<std::string> examples;  // values; of fields and tags those that came first
};

// Fields first, then tags by name. Errors: Corruption, Io (dictionary).
Result<std::vector<FieldInfo>> list_fields(const View& view);

}  // namespace cairn::query
