// Finds and reads the real input data that lives beside the repository, never in it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::testing {

// The directory named by the environment variable CAIRN_SHARED, which the build sets; "" without.
std::string shared_directory();

// Paths of the *.jsonl.gz files in the folders of data/ given, sorted. Empty when there is no such
// data here; then a note was printed and the test has nothing to do.
std::vector<std::string> real_files(const std::vector<std::string>& folders);

// Calls `each` with every line, without its line break. `path` may be gzip or plain. Throws
// std::runtime_error when it cannot be read.
void for_each_line(const std::string& path, const std::function<void(std::string_view)>& each);

}  // namespace cairn::testing
