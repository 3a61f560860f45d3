// Query texts: tokens that cover every byte, and a tree or an error that points into the text.
#include <string>

#include "fuzz/fuzz.h"
#include "query/ast_dump.h"
#include "query/ast_print.h"
#include "query/parser.h"
#include "query/rule.h"
#include "query/token.h"

using namespace cairn;

namespace {

void check_tokens(std::string_view text, const query::TokenOptions& options) {
  const auto tokens = query::tokenize(text, options);
  testing::promise(query::tokens_json(text, options).ok() == tokens.ok(),
                   "what has tokens can be printed");
  if (tokens.ok()) {
    std::string joined;
    for (const query::Token& token : *tokens) joined += token.whole;
    testing::promise(joined == text, "tokens hold every byte of the query");
  } else {
    testing::promise(tokens.error().position.value_or(UINT32_MAX) <= text.size(),
                     "positions lie in the query");
  }
}

// What was printed is the same tree again. Quotes and parentheses may make it longer than a query
// may be.
void check_printed(const query::Query& query) {
  const std::string printed = query::print(query);
  if (printed.size() > query::kMaxQueryBytes) return;
  const auto again = query::parse(printed);
  testing::promise(again.ok(), "what is printed is a query");
  testing::promise(query::dump(*again) == query::dump(query), "it is the same query");
  testing::promise(query::print(*again) == printed, "it is printed the same way again");
}

void check_tree(std::string_view text) {
  const auto parsed = query::parse(text);
  if (parsed.ok()) {
    testing::promise(parsed->source == text, "the tree keeps its text");
    testing::promise(!query::dump(*parsed).empty(), "the tree can be dumped");
    check_printed(*parsed);
  } else {
    const Error& error = parsed.error();
    testing::promise(!error.message.empty(), "a refusal has a reason");
    testing::promise(error.position.value_or(UINT32_MAX) <= text.size(),
                     "positions lie in the query");
    testing::promise(!query::explain_error(text, error).empty(), "errors can be shown");
  }
}

void check_rule(std::string_view text) {
  for (const std::string_view begin : {"", "merge where ", "merge by ", "unmerge where "}) {
    const std::string rule = std::string(begin).append(text);
    const auto parsed = query::parse_rule(rule);
    if (parsed.ok()) {
      testing::promise(parsed->where.has_value() != !parsed->issues.empty(),
                       "a rule has a query or issues");
    } else {
      testing::promise(parsed.error().position.value_or(0) <= rule.size(),
                       "positions lie in the rule");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = testing::fuzz_text(data, size);
  query::TokenOptions options;
  check_tokens(text, options);
  options.allow_regex = true;
  options.disallow_wildcard = true;
  check_tokens(text, options);
  check_tree(text);
  check_rule(text);
  return 0;
}
