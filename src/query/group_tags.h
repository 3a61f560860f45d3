// What the occurrences of one group have in common: keys, their values, how often. Exact counts.
//
// Thread: any; borrows its arguments for the call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "query/ast.h"
#include "query/group_events.h"
#include "query/view.h"

namespace cairn::query {

struct TagValue {
  std::string text;
  uint64_t count = 0;  // occurrences
  TimeUs first{};      // of them; list_values() only
  TimeUs last{};
};

struct TagKey {
  std::string key;      // as a query names it: level, browser, tags[level]
  uint64_t values = 0;  // distinct
  uint64_t count = 0;   // occurrences with any value
  // The most frequent ones; of equal ones, that which came into the store first.
  std::vector<TagValue> top;
};

struct TagList {
  Lsn lsn{};
  uint64_t total = 0;  // occurrences asked
  std::vector<TagKey> keys;
};

inline constexpr uint32_t kDefaultTopValues = 3;

struct TagOptions {
  TimeUs now{};
  uint32_t limit = kDefaultTopValues;  // of TagKey::top; 1 to kMaxLimit
  Control control{};
};

// Every key that an occurrence of the scope has: fields that people take for tags (level, release,
// user ...) first, then tags by name. A tag called as one of these fields is there only when it
// says something else.
// Errors: as match_group; InvalidArgument (limit).
Result<TagList> list_tags(const View& view, const GroupScope& scope, const Query& filter,
                          const TagOptions& options);

// One key, also of the fields that list_tags() leaves out (title, message, trace ...), with times.
// No value: values and count are 0. Errors: the same; NotFound: nothing in the store has that key.
Result<TagList> list_values(const View& view, const GroupScope& scope, const Query& filter,
                            std::string_view key, const TagOptions& options);

}  // namespace cairn::query
