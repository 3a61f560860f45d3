#include "server/gateway_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "model/json_scalar.h"
#include "model/json_tree.h"

namespace cairn::server {
namespace {

constexpr int kDeepest = 16;
constexpr int kKeptDepth = 2;  // members, and what is in a list

Error bad(std::string message) {
  return make_error(ErrorCode::InvalidArgument, std::move(message));
}

// A number or text as a word of a command line.
Result<std::string> word_of(std::string_view name, model::JsonValue value) {
  if (value.kind() == model::JsonKind::String) {
    std::string out;
    // Half of a surrogate pair becomes U+FFFD, which no query means.
    model::append_unescaped(out, value.content());
    return out;
  }
  const std::string_view written = value.raw();
  const bool whole = written.find_first_not_of("0123456789") == std::string_view::npos;
  if (value.kind() == model::JsonKind::Number && whole) return std::string(written);
  return bad(fmt::format("\"{}\" is neither a text nor a whole number", name));
}

using Members = std::map<std::string, std::vector<std::string>>;

// An object of texts, numbers and lists of these.
Result<Members> read_members(std::string_view body) {
  model::JsonTree tree;
  CAIRN_TRY(tree.parse(body, kKeptDepth, kDeepest));
  Members out;
  for (model::JsonValue name = tree.root().first(); name; name = name.next().next()) {
    std::string key;
    model::append_unescaped(key, name.content());
    const model::JsonValue value = name.next();
    std::vector<std::string> words;
    if (value.kind() == model::JsonKind::Array) {
      for (model::JsonValue one = value.first(); one; one = one.next()) {
        CAIRN_TRY_ASSIGN(std::string word, word_of(key, one));
        words.push_back(std::move(word));
      }
    } else if (value.kind() != model::JsonKind::Null) {
      CAIRN_TRY_ASSIGN(std::string word, word_of(key, value));
      words.push_back(std::move(word));
    }
    if (!out.emplace(key, std::move(words)).second) {
      return bad(fmt::format("\"{}\" is given twice", key));
    }
  }
  return out;
}

// Behind which the store's word and what comes after it cannot be taken for options.
constexpr std::string_view kStoreWord = "store";

}  // namespace

Result<std::vector<std::string>> query_words(std::string_view body) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kOptions = {
      {{"sort", "--sort"},
       {"limit", "--limit"},
       {"cursor", "--cursor"},
       {"as_of", "--as-of"},
       {"in", "--in"},
       {"now", "--now"},
       {"at_least", "--at-least"},
       {"as", "--as"},
       {"team", "--team"},
       {"timeout", "--timeout"}}};
  CAIRN_TRY_ASSIGN(const Members members, read_members(body));
  std::vector<std::string> words = {"query"};
  std::string query;
  for (const auto& [name, values] : members) {
    if (name == "query") {
      if (values.size() > 1) return bad("\"query\" is a list; it is one text");
      if (!values.empty()) query = values.front();
      continue;
    }
    const auto* found =
        std::find_if(kOptions.begin(), kOptions.end(),
                     [&wanted = name](const auto& option) { return option.first == wanted; });
    if (found == kOptions.end()) {
      return bad(fmt::format("there is no member \"{}\"; docs/openapi.json lists them", name));
    }
    for (const std::string& value : values)
      words.push_back(fmt::format("{}={}", found->second, value));
  }
  // The flag in between, because "--" behind an option with many values ends these alone.
  words.insert(words.end(), {"--json", "--", std::string(kStoreWord), query});
  return words;
}

Result<std::vector<std::string>> verb_words(std::string_view verb, std::string_view body) {
  CAIRN_TRY_ASSIGN(const Members members, read_members(body.empty() ? "{}" : body));
  std::vector<std::string> words = {std::string(verb), std::string(kStoreWord)};
  for (const auto& [name, values] : members) {
    if (name != "args") {
      return bad(fmt::format("there is no member \"{}\"; give \"args\", a list of texts", name));
    }
    words.insert(words.end(), values.begin(), values.end());
  }
  // In front, where nothing given can be its argument or end the options before it.
  words.insert(words.begin() + 1, "--json");
  return words;
}

Result<std::vector<std::string>> alert_words(bool test, const std::string& rule,
                                             std::string_view query) {
  static const std::vector<std::string_view> kOfTest = {"last", "from", "to", "limit"};
  static const std::vector<std::string_view> kOfChange = {"actor", "key"};
  const auto& known = test ? kOfTest : kOfChange;
  std::vector<std::string> words = {"alert", "--json"};
  for (std::string_view left = query; !left.empty();) {
    const std::string_view pair = left.substr(0, left.find('&'));
    left.remove_prefix(std::min(left.size(), pair.size() + 1));
    const std::string_view name = pair.substr(0, pair.find('='));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return bad(
          fmt::format("there is no parameter \"{}\"; there are {}", name, fmt::join(known, ", ")));
    }
    const auto value = url_parameter(pair, name);
    if (!value) return bad(fmt::format("the parameter \"{}\" is not well formed", name));
    words.push_back(fmt::format("--{}={}", name, *value));
  }
  words.insert(words.end(), {"--", std::string(kStoreWord)});
  if (test) {
    words.emplace_back("test");
  } else if (rule.empty()) {
    words.emplace_back("add");
  } else {
    words.insert(words.end(), {"change", rule});
  }
  words.emplace_back("-");
  return words;
}

std::optional<std::string> url_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name) continue;
    return decode_url(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

std::optional<std::string> decode_url(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = digit(text[i + 1]);
    const int low = digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

namespace {

int http_status(std::string_view code) {
  constexpr std::array<std::pair<std::string_view, int>, 10> kStatus = {{{"invalid_argument", 400},
                                                                         {"denied", 403},
                                                                         {"not_found", 404},
                                                                         {"conflict", 409},
                                                                         {"exhausted", 422},
                                                                         {"unsupported", 501},
                                                                         {"closed", 503},
                                                                         {"corruption", 500},
                                                                         {"io", 500},
                                                                         {"internal", 500}}};
  const auto* found = std::find_if(kStatus.begin(), kStatus.end(),
                                   [&](const auto& one) { return one.first == code; });
  return found == kStatus.end() ? 500 : found->second;
}

}  // namespace

int http_status(int exit_code, std::string_view json) {
  constexpr int kUsage = 2;
  constexpr int kSomeRefused = 3;
  if (exit_code == 0 || exit_code == kSomeRefused) return 200;
  if (exit_code == kUsage) return 400;
  // The last one: what was printed before it is of the store.
  constexpr std::string_view kMark = "{\"error\":{\"code\":\"";
  const size_t at = json.rfind(kMark);
  if (at == std::string_view::npos) return 500;
  const std::string_view code = json.substr(at + kMark.size());
  return http_status(code.substr(0, code.find('"')));
}

int http_status(const Refusal& refusal) {
  if (refusal.retry_after_ms > 0) return 429;
  return http_status(error_code_name(refusal.error.code));
}

}  // namespace cairn::server
