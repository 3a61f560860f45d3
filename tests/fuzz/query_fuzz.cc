// Query texts: tokens that cover every byte, and a tree or an error that points into the text.
#include <string>

#include "fuzz/fuzz.h"
#include "query/parser.h"
#include "query/token.h"

using namespace cairn;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = testing::fuzz_text(data, size);
  if (const auto tokens = query::tokenize(text); tokens.ok()) {
    std::string joined;
    for (const query::Token& token : *tokens) joined += token.whole;
    testing::promise(joined == text, "tokens hold every byte of the query");
    testing::promise(query::tokens_json(text).ok(), "tokens can be printed");
  } else {
    testing::promise(tokens.error().position.value_or(0) <= size, "positions lie in the query");
  }
  if (const auto parsed = query::parse(text); !parsed.ok()) {
    testing::promise(!parsed.error().message.empty(), "a refusal has a reason");
    testing::promise(parsed.error().position.value_or(0) <= size, "positions lie in the query");
    testing::promise(!query::explain_error(text, parsed.error()).empty(), "errors can be shown");
  }
  return 0;
}
