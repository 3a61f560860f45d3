// Files that say which occurrences belong together: CSV, plain or compressed.
//
// One line an occurrence, `occurrence_id,group,...`; a first line whose first field is no id names
// the columns. A field may be in quotes, where "" is one quote; no field goes over a line's end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "verbs/files.h"

namespace cairn::verbs {

struct LabelFile {
  std::vector<Uuid> occurrences;
  std::vector<uint32_t> groups;  // of each; numbers in order of appearance
};

inline constexpr size_t kMaxLabels = 20'000'000;

// `column`: which one has the group; "" = the one called group, else the second.
// Errors: NotFound (the file, or the column), InvalidArgument (names file and line), Exhausted, Io.
Result<LabelFile> read_labels(Files& files, const std::string& path, const std::string& column);

// The fields of one line of CSV; false: a quote that is not closed or closed too early.
bool split_csv(std::string_view line, std::vector<std::string>& fields);

}  // namespace cairn::verbs
