#include "client/repl_text.h"

#include <catch2/catch.hpp>
#include <random>

#include "client/repl_help.h"
#include "client/repl_screen.h"
#include "query/parser.h"
#include "query/rule.h"

namespace cairn::client {
namespace {

std::vector<std::string> words(std::string_view line, bool keeps = false) {
  const auto split = split_words(line, keeps);
  REQUIRE(split.ok());
  return *split;
}

const verbs::Terminal kColour{.out = true, .err = true, .width = 80, .utf8 = true, .color = true};

}  // namespace

TEST_CASE("repl_text: a command goes on while something is open") {
  for (const char* open :
       {"browser:\"Chrome", "(level:error OR", "level:[error,", "level:error |", "level:error \\",
        "note SHOP-1 'first line", "a:\"x\\\" (", "level:error |  "}) {
    INFO(open);
    CHECK(wants_more(open));
  }
  for (const char* whole :
       {"level:error", "can't connect", "browser:\"Chrome 1\"", "(a:1 OR b:2)", "a:[x, y]",
        "message://^GET (.*//", "url:https://shop.example/a", "a:\\\"", "a:\"x\\\"\"", "a)b", ""}) {
    INFO(whole);
    CHECK_FALSE(wants_more(whole));
  }
}

TEST_CASE("repl_text: lines become one") {
  std::string text;
  add_line(text, "level:error |");
  CHECK(text == "level:error |");
  add_line(text, "count() by release \\");
  add_line(text, "every 1h");
  CHECK(text == "level:error | count() by release every 1h");
}

TEST_CASE("repl_text: words of a verb's line") {
  using Words = std::vector<std::string>;
  CHECK(words("  merge SHOP-1\tSHOP-2 ") == Words{"merge", "SHOP-1", "SHOP-2"});
  CHECK(words("merge --new 'Checkout is down' A B") ==
        Words{"merge", "--new", "Checkout is down", "A", "B"});
  CHECK(words("note S-1 \"don't \\\" \"") == Words{"note", "S-1", "don't \\\" "});
  CHECK(words("query browser:\"Chrome 1*\" x", true) ==
        Words{"query", "browser:\"Chrome 1*\"", "x"});
  CHECK(words("query \"a phrase\"", true) == Words{"query", "\"a phrase\""});
  CHECK(words("query 'level:error x'", true) == Words{"query", "level:error x"});
  CHECK(words("note S-1 ''") == Words{"note", "S-1", ""});
  CHECK(words("").empty());
  const auto open = split_words("note S-1 'x", false);
  REQUIRE_FALSE(open.ok());
  CHECK(open.error().position == 9u);
}

TEST_CASE("repl_text: any bytes are taken") {
  const uint32_t seed = Catch::rngSeed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  constexpr std::string_view kBytes = "ab:/|\\\"'()[] ,!*-\t\xc3\xa4\x01";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t length = random() % 24; length > 0; --length) {
      text.push_back(kBytes[random() % kBytes.size()]);
    }
    CAPTURE(text);
    const auto split = split_words(text, round % 2 == 0);
    if (!split.ok()) REQUIRE(split.error().position < text.size());
    // Colours are all that is added.
    std::string plain = coloured_query(kColour, text);
    for (size_t at = plain.find('\x1b'); at != std::string::npos; at = plain.find('\x1b')) {
      plain.erase(at, plain.find('m', at) - at + 1);
    }
    REQUIRE(plain == text);
    // What ends in | or \ goes on; a line more never makes a command shorter than it was.
    std::string command = text;
    const bool open = wants_more(command);
    if (text.ends_with('|') || text.ends_with('\\')) REQUIRE(open);
    add_line(command, "x");
    REQUIRE(command.ends_with('x'));
  }
}

TEST_CASE("repl_text: colours change no letter, and are only where there are colours") {
  const std::string query = "is:unresolved (a:1 OR !b:2) \"x y\" free | count() by c";
  CHECK(coloured_query({}, query) == query);
  std::string plain = coloured_query(kColour, query);
  CHECK(plain.find("\x1b[36mis:\x1b[0munresolved") != std::string::npos);
  for (size_t at = plain.find('\x1b'); at != std::string::npos; at = plain.find('\x1b')) {
    plain.erase(at, plain.find('m', at) - at + 1);
  }
  CHECK(plain == query);
  CHECK(coloured_query(kColour, "open \"quote") == "open \"quote");
}

TEST_CASE("repl_text: of an error the first line and the mark are red") {
  const std::string text = "cairn: no such thing\n  is:x\n     ^\n";
  CHECK(coloured_error({}, text) == text);
  CHECK(coloured_error(kColour, text) ==
        "\x1b[31mcairn: no such thing\x1b[0m\n  is:x\n\x1b[31m     ^\x1b[0m\n");
  CHECK(coloured_error(kColour, "next page: ^\n") == "next page: ^\n");
}

TEST_CASE("repl_help: examples of constructs are queries") {
  size_t examples = 0;
  for (const std::string_view name : construct_names()) {
    const std::string text = construct_help(name).value();
    // Lines with two blanks in front; what is said of them stands behind three or more.
    for (size_t at = text.find('\n') + 1; at < text.size();) {
      const size_t end = text.find('\n', at);
      std::string example = text.substr(at + 2, end - at - 2);
      example.erase(std::min(example.find("   "), example.size()));
      INFO(example);
      if (name == "rules") {
        CHECK(query::parse_rule(example).ok());
      } else {
        CHECK(query::parse(example).ok());
      }
      ++examples;
      at = end + 1;
    }
    CHECK(repl_overview().find(name) != std::string::npos);
  }
  CHECK(examples > 25);
  CHECK_FALSE(construct_help("nonsense"));
}

TEST_CASE("repl_screen: lines as the terminal breaks them") {
  CHECK(screen_lines("", 10) == 0);
  CHECK(screen_lines("a\n\nb\n", 10) == 3);
  CHECK(screen_lines("0123456789\n", 10) == 1);
  CHECK(screen_lines("01234567890\n", 10) == 2);
  CHECK(screen_lines("\x1b[31m0123456789\x1b[0m\n", 10) == 1);
}

}  // namespace cairn::client
