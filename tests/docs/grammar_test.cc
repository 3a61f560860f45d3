// The grammar printed in docs/query-language.md against the real parser: what it accepts is a
// query, what it does not is none, and printing a query gives the same one. CAIRN_SEED=N repeats a
// run.
#include <catch2/catch.hpp>
#include <iostream>
#include <random>

#include "query/ast_dump.h"
#include "query/ast_print.h"
#include "query/parser.h"
#include "support/document.h"
#include "support/ebnf.h"
#include "support/soak.h"

namespace cairn::testing {
namespace {

void read_grammar(Ebnf& grammar) {
  const Document page("query-language.md");
  int blocks = 0;
  for (const Block& block : page.blocks()) {
    if (block.kind != "ebnf" && block.kind != "ebnf spaced") continue;
    INFO("docs/query-language.md, line " << block.line);
    REQUIRE(grammar.add(block.text, block.kind == "ebnf spaced") == "");
    ++blocks;
  }
  REQUIRE(blocks == 2);
  REQUIRE(grammar.finish("query") == "");
}

// What the page says in words: sizes of numbers, and a call before a colon, which is text unless a
// number or a date follows.
bool is_left_to_words(std::string_view text) {
  if (text.find("):") != std::string_view::npos) return true;
  size_t digits = 0;
  bool zeros = false;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && digits == 0) zeros = c == '0';
    digits = digit ? digits + 1 : 0;
    if (digits > 3 || (digits > 1 && zeros)) return true;
  }
  return false;
}

std::string changed(std::string text, const Ebnf& grammar, std::mt19937_64& random) {
  for (uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
    const size_t at = random() % (text.size() + 1);
    const size_t length = random() % 4;
    switch (random() % 4) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, text.substr(random() % (text.size() + 1), length));
        break;
      case 2:
        text.insert(at, random() % 2 == 0 ? " " : "(");
        break;
      default:
        text.insert(at, grammar.random_piece(random));
    }
  }
  return text;
}

struct Tally {
  uint64_t accepted = 0;
  uint64_t refused = 0;
};

bool disagree(const Ebnf& grammar, const std::string& text) {
  return !is_left_to_words(text) && grammar.accepts(text) != query::parse(text).ok();
}

// What is left when as much as possible is taken out.
std::string shrunk(const Ebnf& grammar, std::string text) {
  for (size_t length = text.size(); length > 0; length /= 2) {
    for (size_t at = 0; at + length <= text.size();) {
      std::string shorter = text;
      shorter.erase(at, length);
      if (disagree(grammar, shorter)) {
        text = std::move(shorter);
      } else {
        ++at;
      }
    }
  }
  return text;
}

// What is printed is the same query again.
void check_printed(const std::string& text) {
  const auto parsed = query::parse(text);
  const std::string printed = query::print(*parsed);
  const auto again = query::parse(printed);
  INFO("query " << text);
  INFO("printed " << printed);
  INFO((again.ok() ? std::string() : again.error().message));
  REQUIRE(again.ok());
  REQUIRE(query::dump(*again) == query::dump(*parsed));
  REQUIRE(query::print(*again) == printed);
}

void check(const Ebnf& grammar, const std::string& text, Tally& tally) {
  constexpr size_t kLongest = 400;  // the parser has a limit of depth, and this one of time
  if (text.size() > kLongest || is_left_to_words(text)) return;
  const bool accepted = grammar.accepts(text);
  if (accepted != query::parse(text).ok()) {
    const std::string shortest = shrunk(grammar, text);
    const auto parsed = query::parse(shortest);
    INFO("query " << text);
    INFO("in short " << shortest);
    INFO((parsed.ok() ? "accepted by the parser alone" : parsed.error().message));
    FAIL("docs/query-language.md and the parser do not agree");
  }
  ++(accepted ? tally.accepted : tally.refused);
  if (accepted) check_printed(text);
}

TEST_CASE("the grammar in the documentation is the parser's") {
  Ebnf grammar;
  read_grammar(grammar);
  const uint64_t seed = first_seed();
  std::cout << "grammar: seed " << seed << "\n";
  INFO("CAIRN_SEED=" << seed);
  std::mt19937_64 random(seed);
  Tally made, mutated;
  const int rounds = soak_rounds(20'000);
  for (int i = 0; i < rounds; ++i) {
    const std::string text = grammar.random_text(random);
    check(grammar, text, made);
    if (text.size() < 200) check(grammar, changed(text, grammar, random), mutated);
  }
  std::cout << "grammar: " << made.accepted << " made texts are queries, " << made.refused
            << " are not; " << mutated.accepted << " changed ones are, " << mutated.refused
            << " are not\n";
  CHECK(made.accepted > static_cast<uint64_t>(rounds) / 4);
  CHECK(mutated.accepted > static_cast<uint64_t>(rounds) / 20);
  CHECK(made.refused + mutated.refused > static_cast<uint64_t>(rounds) / 10);
}

}  // namespace
}  // namespace cairn::testing
