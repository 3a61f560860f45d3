// Queries as data: every case of tests/golden/query/*.test against dump() or the error.
//
// A case is a few lines, cases are divided by empty lines, `#` begins a comment:
//
//   name words to find it by
//   query the query, to the end of the line (\t \n \\ as in C)
//   ast the expected dump                or
//   error POSITION the expected message
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "query/ast_dump.h"
#include "query/parser.h"

namespace cairn::query {
namespace {

struct Case {
  std::string name;
  std::string query;
  std::string expected;  // "ast ..." or "error ..."
};

// Compilers are given paths relative to the build directory, where tests run.
std::vector<std::filesystem::path> golden_files() {
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../golden/query";
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  INFO("no golden files in " << folder << "; run this in the build directory");
  REQUIRE_FALSE(files.empty());
  std::sort(files.begin(), files.end());
  return files;
}

std::string unescape(const std::string& text) {
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

std::vector<Case> read_cases(const std::filesystem::path& path) {
  std::vector<Case> cases;
  std::ifstream file(path);
  std::string line;
  Case current;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    if (line.rfind("name ", 0) == 0) {
      current = Case{line.substr(5), "", ""};
    } else if (line.rfind("query", 0) == 0) {
      current.query = unescape(line.size() > 6 ? line.substr(6) : "");
    } else {
      current.expected = line;
      cases.push_back(current);
    }
  }
  return cases;
}

std::string outcome(const std::string& query) {
  const auto parsed = parse(query);
  if (parsed) return "ast " + dump(*parsed);
  const auto& error = parsed.error();
  CHECK(error.code == ErrorCode::InvalidArgument);
  REQUIRE(error.position);
  return "error " + std::to_string(*error.position) + " " + error.message;
}

TEST_CASE("queries parse as the golden files say", "[query][golden]") {
  for (const auto& file : golden_files()) {
    const auto cases = read_cases(file);
    CHECK_FALSE(cases.empty());
    for (const Case& each : cases) {
      INFO(file.filename().string() << ": " << each.name << "\nquery " << each.query);
      CHECK(outcome(each.query) == each.expected);
    }
  }
}

}  // namespace
}  // namespace cairn::query
