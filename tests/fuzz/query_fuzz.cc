// Any bytes as a query: no crash, no hang, and what the headers promise of the results.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "query/ast_dump.h"
#include "query/parser.h"
#include "query/token.h"

namespace {

using namespace cairn::query;  // NOLINT: a fuzz target is its own program

void check_tokens(std::string_view text, const TokenOptions& options) {
  const auto tokens = tokenize(text, options);
  CAIRN_ASSERT(tokens_json(text, options).ok() == tokens.ok());
  if (!tokens.ok()) {
    CAIRN_ASSERT(tokens.error().position.value_or(UINT32_MAX) <= text.size());
    return;
  }
  size_t end = 0;
  for (const Token& token : *tokens) {
    CAIRN_ASSERT(token.whole.data() == text.data() + end);
    end += token.whole.size();
  }
  CAIRN_ASSERT(end == text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto query = parse(text);
  if (query.ok()) {
    CAIRN_ASSERT(query->source == text);
    CAIRN_ASSERT(!dump(*query).empty());
  } else {
    CAIRN_ASSERT(query.error().position.value_or(UINT32_MAX) <= text.size());
    CAIRN_ASSERT(!explain_error(text, query.error()).empty());
  }
  TokenOptions options;
  check_tokens(text, options);
  options.allow_regex = true;
  options.disallow_wildcard = true;
  check_tokens(text, options);
  return 0;
}
