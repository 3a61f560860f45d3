// Queries as data: the cases of tests/golden/FOLDER/*.test.
//
// A case is a few lines, cases are divided by empty lines, `#` begins a comment:
//
//   name words to find it by; may be missing
//   query the query, to the end of the line (\t \n \\ as in C)
//   what is expected, as the test says
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace cairn::testing {

struct GoldenCase {
  std::string name;
  std::string query;
  std::string expected;
};

// Compilers are given paths relative to the build directory, where tests run.
inline std::vector<std::filesystem::path> golden_files(const std::string& folder) {
  const auto root = std::filesystem::path(__FILE__).parent_path() / "../golden" / folder;
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  INFO("no golden files in " << root << "; run this in the build directory");
  REQUIRE_FALSE(files.empty());
  std::sort(files.begin(), files.end());
  return files;
}

inline std::string golden_unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 't' || c == 'n') {
      out += c == 't' ? '\t' : '\n';
    } else {
      if (c != '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

inline std::vector<GoldenCase> golden_cases(const std::filesystem::path& path) {
  std::vector<GoldenCase> cases;
  std::ifstream file(path);
  std::string line;
  GoldenCase current;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    if (line.rfind("name ", 0) == 0) {
      current = GoldenCase{line.substr(5), "", ""};
    } else if (line.rfind("query", 0) == 0) {
      current.query = golden_unescape(line.size() > 6 ? line.substr(6) : "");
    } else {
      current.expected = line;
      cases.push_back(current);
    }
  }
  return cases;
}

}  // namespace cairn::testing
