// Query text -> lossless list of tokens: every byte of the query lies in exactly one token.
//
// This is the one place that decides where terms begin and end; parser.h builds the tree from it,
// so the tree and `parse --json` cannot disagree. The token list keeps what a tree must refuse
// (unbalanced parentheses, filters without a value): an editor shows those to the person typing.
// Values; thread: any.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/filter_kind.h"

namespace cairn::query {

// How much was looked at, so that tests can tell work that grows with the query from work that
// grows faster.
struct TokenWork {
  uint64_t looks = 0;  // places where a filter was looked for
  uint64_t bytes = 0;  // of filters, lists and regular expressions that were read or tried
};

// What a front end may set for the field it lets people type in. The defaults are those of issue
// search.
struct TokenOptions {
  bool allow_regex = false;        // k://pattern//
  bool disallow_wildcard = false;  // an asterisk makes a term invalid
  bool validate_keys = false;      // keys must be among supported_tags
  std::set<std::string, std::less<>> supported_tags;
  // Reason code of an invalid term -> text shown instead of ours.
  std::map<std::string, std::string, std::less<>> invalid_messages;
  TokenWork* work = nullptr;  // borrowed; added to
};

enum class TokenKind : uint8_t {
  Spaces,    // blanks, maybe none; stand before, between and behind all others
  FreeText,  // one phrase: words with the blanks between and behind them, or a quoted text
  Filter,    // key:value
  And,       // AND in any case
  Or,        // OR in any case
  Not,       // `!` before ( or a quoted text; NOT before those or a filter
  LeftParen,
  RightParen,
  Pipeline,  // from a `|` that stands alone to the end of the query
};

struct Token {
  TokenKind kind = TokenKind::Spaces;
  std::string_view whole;
  bool quoted = false;                  // FreeText
  std::unique_ptr<FilterParts> filter;  // Filter
};

// Tokens borrow `query`. Errors: InvalidArgument with position for what is no query at all: a
// quote that is never closed, a line break outside quotes, limits of parser.h.
Result<std::vector<Token>> tokenize(std::string_view query, const TokenOptions& options = {});

// The tokens as a JSON array, typed values included; the shape is described in
// docs/query-language.md. Errors as tokenize.
Result<std::string> tokens_json(std::string_view query, const TokenOptions& options = {});

}  // namespace cairn::query
