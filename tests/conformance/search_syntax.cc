// Runs search-syntax cases, query -> tokens, as a front end expects them: every .json file of a
// directory in the form of the shared data's conformance/search-syntax/README.md.
//
//   search_syntax [DIRECTORY]    default: conformance/search-syntax in $CAIRN_SHARED
//
// Prints what differs and "N passed, N failed". Status 1: something failed; 2: a file is no list of
// cases; 77, which Meson knows as skipped: there are none.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "base/time_format.h"
#include "query/token.h"

namespace cairn::query {
namespace {

namespace dom = simdjson::dom;

std::string as_string(dom::element element) { return simdjson::minify(element); }

bool has(dom::element object, std::string_view key) {
  return object.is_object() && object.at_key(key).error() == simdjson::SUCCESS;
}

TokenOptions options_of(dom::element item) {
  TokenOptions options;
  if (!has(item, "additionalConfig")) return options;
  for (const auto [name, value] : dom::object(item["additionalConfig"])) {
    if (name == "allowRegex") options.allow_regex = bool(value);
    if (name == "disallowWildcard") options.disallow_wildcard = bool(value);
    if (name == "validateKeys") options.validate_keys = bool(value);
    if (name == "supportedTags") {
      for (const auto tag : dom::object(value)) options.supported_tags.emplace(tag.key);
    }
    if (name == "invalidMessages") {
      for (const auto text : dom::object(value)) {
        options.invalid_messages.emplace(text.key, std::string_view(text.value));
      }
    }
  }
  return options;
}

// Compares as the cases' README says: extra fields of ours and reasons in our own words are fine.
class Comparison {
 public:
  explicit Comparison(bool own_reasons) : own_reasons_(own_reasons) {}

  std::string difference() const { return difference_; }

  bool same(dom::element expected, dom::element found, const std::string& path) {
    if (expected.is_array()) return same_array(expected, found, path);
    if (expected.is_object()) return same_object(expected, found, path);
    if (expected.is_number()) {
      return (found.is_number() &&
              std::abs(double(expected) - double(found)) <= 1e-9 * std::abs(double(expected))) ||
             differs(expected, found, path);
    }
    return as_string(expected) == as_string(found) || differs(expected, found, path);
  }

 private:
  bool differs(dom::element expected, dom::element found, const std::string& path) {
    difference_ = path + ": expected " + as_string(expected) + ", found " + as_string(found);
    return false;
  }

  bool same_array(dom::element expected, dom::element found, const std::string& path) {
    if (!found.is_array()) return differs(expected, found, path);
    const dom::array left = expected;
    const dom::array right = found;
    if (left.size() != right.size()) return differs(expected, found, path);
    auto other = right.begin();
    size_t index = 0;
    for (const dom::element element : left) {
      if (!same(element, *other, path + "/" + std::to_string(index++))) return false;
      ++other;
    }
    return true;
  }

  bool same_object(dom::element expected, dom::element found, const std::string& path) {
    if (!found.is_object()) return differs(expected, found, path);
    for (const auto [key, value] : dom::object(expected)) {
      const std::string inner = path + "/" + std::string(key);
      if (key == "reason" && !own_reasons_) continue;
      if (key == "parsed" && is_relative(expected)) continue;
      if (!has(found, key)) {
        if (value.is_null()) continue;
        difference_ = inner + ": missing";
        return false;
      }
      if (key == "parsed" && is_date(expected)) {
        if (!same_instant(value, found[key], inner)) return false;
      } else if (!same(value, found[key], inner)) {
        return false;
      }
    }
    // A term that should be valid but is not.
    const bool unexpected = has(found, "invalid") && !dom::element(found["invalid"]).is_null() &&
                            !has(expected, "invalid");
    return !unexpected || differs(expected, found, path);
  }

  static bool is_relative(dom::element token) { return type_of(token) == "valueRelativeDate"; }
  static bool is_date(dom::element token) { return type_of(token) == "valueIso8601Date"; }
  static std::string_view type_of(dom::element token) {
    return has(token, "type") ? std::string_view(token["type"]) : std::string_view();
  }

  bool same_instant(dom::element expected, dom::element found, const std::string& path) {
    const auto left = parse_time(std::string_view(expected["value"]));
    const auto right = parse_time(std::string_view(found["value"]));
    return (left && left == right) || differs(expected, found, path);
  }

  bool own_reasons_;
  std::string difference_;
};

// "" when the case passes.
std::string run_case(dom::element item) {
  const std::string query{std::string_view(item["query"])};
  const auto found = tokens_json(query, options_of(item));
  if (has(item, "raisesError") && bool(item["raisesError"])) {
    return found.ok() ? "expected a syntax error" : "";
  }
  if (!found.ok()) return "error: " + found.error().message;
  dom::parser parser;
  const dom::element tokens = parser.parse(*found);
  const bool own_reasons =
      has(item, "additionalConfig") && has(item["additionalConfig"], "invalidMessages");
  Comparison comparison(own_reasons);
  return comparison.same(item["result"], tokens, "") ? "" : comparison.difference();
}

std::vector<std::filesystem::path> case_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct Tally {
  size_t passed = 0;
  size_t failed = 0;
};

// Throws simdjson_error when the file is not what the README describes.
void run_file(const std::filesystem::path& file, Tally& tally) {
  dom::parser parser;
  const dom::array cases = parser.load(file.string());
  for (const dom::element item : cases) {
    const std::string problem = run_case(item);
    if (problem.empty()) {
      ++tally.passed;
      continue;
    }
    ++tally.failed;
    fmt::print("{} {}\n  {}\n", file.filename().string(), as_string(item["query"]), problem);
  }
}

std::filesystem::path default_folder() {
  const char* shared = std::getenv("CAIRN_SHARED");
  return std::filesystem::path(shared == nullptr ? "../shared" : shared) / "conformance" /
         "search-syntax";
}

int run(const std::filesystem::path& folder) {
  constexpr int kSkipped = 77;
  const auto files = case_files(folder);
  if (files.empty()) {
    fmt::print("skipped: no search-syntax cases in {}\n", folder.string());
    return kSkipped;
  }
  Tally tally;
  for (const auto& file : files) {
    try {
      run_file(file, tally);
    } catch (const simdjson::simdjson_error& error) {
      fmt::print("{}: no list of search-syntax cases: {}\n", file.string(), error.what());
      return 2;
    }
  }
  fmt::print("{} passed, {} failed\n", tally.passed, tally.failed);
  return tally.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace cairn::query

int main(int argc, char** argv) {
  return cairn::query::run(argc > 1 ? argv[1] : cairn::query::default_folder());
}
