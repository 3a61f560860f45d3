#include "query/token.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <random>

namespace cairn::query {
namespace {

std::vector<Token> tokens_of(std::string_view query, const TokenOptions& options = {}) {
  auto tokens = tokenize(query, options);
  INFO(query);
  REQUIRE(tokens.ok());
  return std::move(tokens).value();
}

// "kind:text" of every token but spaces.
std::vector<std::string> shape(std::string_view query) {
  std::vector<std::string> out;
  for (const Token& token : tokens_of(query)) {
    const std::string text(token.whole);
    switch (token.kind) {
      case TokenKind::Spaces:
        break;
      case TokenKind::FreeText:
        out.push_back("text:" + text);
        break;
      case TokenKind::Filter:
        out.push_back("filter:" + text);
        break;
      case TokenKind::And:
        out.push_back("and:" + text);
        break;
      case TokenKind::Or:
        out.push_back("or:" + text);
        break;
      case TokenKind::Not:
        out.push_back("not:" + text);
        break;
      case TokenKind::LeftParen:
      case TokenKind::RightParen:
        out.push_back(text);
        break;
      case TokenKind::Pipeline:
        out.push_back("pipeline:" + text);
        break;
    }
  }
  return out;
}

using Shape = std::vector<std::string>;

std::string json_of(std::string_view query, const TokenOptions& options = {}) {
  auto json = tokens_json(query, options);
  INFO(query);
  REQUIRE(json.ok());
  return *json;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Spaces stand at both ends and between any two others, and nothing of the query is lost.
void check_lossless(std::string_view query, const std::vector<Token>& tokens) {
  REQUIRE(tokens.size() % 2 == 1);
  std::string joined;
  for (size_t i = 0; i < tokens.size(); ++i) {
    REQUIRE((tokens[i].kind == TokenKind::Spaces) == (i % 2 == 0));
    REQUIRE((tokens[i].kind == TokenKind::Filter) == (tokens[i].filter != nullptr));
    joined += tokens[i].whole;
  }
  REQUIRE(joined == query);
}

TEST_CASE("operators, groups and the pipeline are tokens", "[query][token]") {
  CHECK(shape("a:1 AND (b or !c:3)") ==
        Shape{"filter:a:1", "and:AND", "(", "text:b ", "or:or", "filter:!c:3", ")"});
  CHECK(shape("!(a) !\"b\" NOT c:1") ==
        Shape{"not:!", "(", "text:a", ")", "not:!", "text:\"b\"", "not:NOT", "filter:c:1"});
  CHECK(shape("a | count() | limit 5") == Shape{"text:a ", "pipeline:| count() | limit 5"});
  CHECK(shape("a) (b") == Shape{"text:a", ")", "(", "text:b"});
}

TEST_CASE("parentheses glued to a word are text when they hold nothing else", "[query][token]") {
  CHECK(shape("main(int, char) x") == Shape{"text:main(int, char) x"});
  CHECK(shape("a(b(c d) e)f") == Shape{"text:a(b(c d) e)f"});
  CHECK(shape("a(b c:1)") == Shape{"text:a", "(", "text:b ", "filter:c:1", ")"});
  CHECK(shape("a(b AND c)") == Shape{"text:a", "(", "text:b ", "and:AND", "text:c", ")"});
  CHECK(shape("a(b \"c\")") == Shape{"text:a", "(", "text:b ", "text:\"c\"", ")"});
  CHECK(shape("a(b") == Shape{"text:a", "(", "text:b"});
}

TEST_CASE("a list that cannot be closed does not spoil the ones before it", "[query][token]") {
  // z is read while it is still open whether `(` is text, and read before y.
  CHECK(shape("x(y:[a, b] z:[c)") == Shape{"text:x", "(", "filter:y:[a, b]", "filter:z:[c", ")"});
  CHECK(shape("z:[c, k:[d, e] k:[f]") == Shape{"filter:z:[c, k:[d, e]", "filter:k:[f]"});
  CHECK(shape("z:[c, k:[d e:[f]") == Shape{"filter:z:[c,", "filter:k:[d", "filter:e:[f]"});
}

TEST_CASE("groups nest in JSON, lone parentheses stay", "[query][token]") {
  CHECK(json_of("(a)") == R"([{"type":"spaces","value":""},{"type":"logicGroup","inner":[)"
                          R"({"type":"spaces","value":""},)"
                          R"({"type":"freeText","value":"a","quoted":false,"invalid":null},)"
                          R"({"type":"spaces","value":""}]},{"type":"spaces","value":""}])");
  CHECK(contains(json_of("a) b"), "{\"type\":\"rParen\",\"value\":\")\"}"));
  CHECK(contains(json_of("(a"), "{\"type\":\"lParen\",\"value\":\"(\"}"));
  CHECK(contains(json_of("a oR b"), "{\"type\":\"logicBoolean\",\"value\":\"oR\"}"));
  CHECK(contains(json_of("!(a)"), "{\"type\":\"logicNot\",\"value\":\"!\"}"));
  CHECK(contains(json_of("a | count()"), "{\"type\":\"pipeline\",\"value\":\"| count()\"}"));
}

TEST_CASE("is, percentages and dates of calls have their own kinds", "[query][token]") {
  CHECK(contains(json_of("is:unresolved"), R"("filter":"is")"));
  CHECK(contains(json_of("!has:user"), R"("filter":"has","negated":true)"));
  const std::string percentage = json_of("percentage(a, b):>12.5%");
  CHECK(contains(percentage, R"("filter":"aggregatePercentage")"));
  CHECK(contains(percentage, R"("parsed":{"value":0.125})"));
  CHECK(contains(json_of("last_seen():>2018-01-01"), R"("filter":"aggregateDate")"));
  CHECK(contains(json_of("last_seen():-7d"), R"("filter":"aggregateRelativeDate")"));
  CHECK(contains(json_of("count():>5"), R"("args":null)"));
  CHECK(contains(json_of("p95():>5s"), R"("filter":"aggregateDuration")"));
  CHECK(contains(json_of("issue.id:[1, 2k]"), R"("filter":"numericIn")"));
}

TEST_CASE("what is wrong with a filter stands in its token", "[query][token]") {
  CHECK(contains(json_of("k:a\"b"), R"("type":"must-be-quoted")"));
  CHECK(contains(json_of("k:[a\\\"b]"), R"("filter":"textIn")"));
  CHECK(contains(json_of("stack.in_app:maybe"), R"("type":"invalid-boolean")"));
  CHECK(contains(json_of("k:[,a]"), R"("type":"empty-value-in-list-not-allowed")"));
  TokenOptions options;
  options.allow_regex = true;
  CHECK(contains(json_of("k:////", options), R"("type":"filter-must-have-value")"));
  const std::string umlauts = "k://" + std::string(64, 'a') + "//";
  CHECK_FALSE(contains(json_of(umlauts, options), "regex-pattern-too-long"));
  options.validate_keys = true;
  options.supported_tags = {"a"};
  CHECK_FALSE(contains(json_of("a:1 is:new", options), "invalid-key"));
  CHECK(contains(json_of("b:1", options), R"("type":"invalid-key")"));
}

TEST_CASE("the length of a regular expression counts characters", "[query][token]") {
  TokenOptions options;
  options.allow_regex = true;
  std::string pattern;
  for (int i = 0; i < 64; ++i) pattern += "\xC3\xA4";
  CHECK_FALSE(contains(json_of("k://" + pattern + "//", options), "regex-pattern-too-long"));
  CHECK(contains(json_of("k://" + pattern + "x//", options), "regex-pattern-too-long"));
}

TEST_CASE("what is no query at all is an error", "[query][token]") {
  for (const std::string_view query : {"a \"b", "k:\"b", "a\nb", "k:v\n"}) {
    INFO(query);
    const auto tokens = tokenize(query);
    REQUIRE_FALSE(tokens.ok());
    CHECK(tokens.error().code == ErrorCode::InvalidArgument);
    CHECK(tokens.error().position.has_value());
    CHECK_FALSE(tokens_json(query).ok());
  }
}

TEST_CASE("tokens cover every byte of random queries", "[query][token]") {
  const std::vector<std::string> pieces = {
      "a",        "key:",         "level:error", "\"x y\"",    "[",
      "]",        "[a, b]",       "(",           ")",          " ",
      "  ",       "\t",           "!",           "AND",        "or",
      "NOT",      "//",           "|",           ",",          "tags[",
      "tags[a]:", "f(",           ":>",          "\\",         "*",
      "\"",       "\xEF\x80\x8D", "\n",          "2018-01-01", "timestamp:",
      "-24h",     "Contains",     "\xC3\xA4",    "\xFF"};
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  INFO("seed " << seed);
  std::mt19937 random(seed);
  size_t valid = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string query;
    for (size_t count = random() % 16; count > 0; --count) {
      query += pieces[random() % pieces.size()];
    }
    TokenOptions options;
    options.allow_regex = random() % 2 == 0;
    const auto tokens = tokenize(query, options);
    INFO(query);
    REQUIRE(tokens_json(query, options).ok() == tokens.ok());
    if (!tokens.ok()) {
      REQUIRE(tokens.error().position.value_or(UINT32_MAX) <= query.size());
      continue;
    }
    ++valid;
    check_lossless(query, *tokens);
  }
  CHECK(valid > 1000);
}

// Of queries twice as long everything is looked at twice as often, however they are made.
TEST_CASE("work grows with the query and not faster") {
  for (const std::string_view unit :
       {"(a ",       "a(",         "a( ",          "\"a\" ",      "\"a\\\" ",    "!",
        "!(",        "\\",         "\\\" ",        "k:\\* ",      "[",           "k:[a ",
        "k:[a, ",    "k:[a,k:[a,", "f():[a, ",     "f()://a ",    "k://a ",      "f(a, ",
        "f(\"a\", ", "a|a|a ",     "a | a ",       "NOT a:1 ",    "NOT !(",      "a:1 OR ",
        "a(b:c ",    "x(y:[a z:[", "tags[\"a\"]:", "tags[a,b]: ", "k:\"a\" ",    "f(f(",
        "a AND ",    "f():\"a\" ", "a:>=1 ",       "*a* ",        "k:contains:", "\t"}) {
    INFO(unit);
    const auto work = [&](size_t bytes, std::string_view end) {
      std::string query;
      while (query.size() + unit.size() + end.size() <= bytes) query += unit;
      query += end;
      TokenWork done;
      TokenOptions options;
      options.allow_regex = true;
      options.work = &done;
      (void)tokenize(query, options);  // also one that is refused has been looked at
      return done.looks + done.bytes;
    };
    for (const std::string_view end : {"", "]", " //", ")", "\""}) {
      INFO("end " << end);
      for (const size_t bytes : {2048u, 8192u, 32768u}) {
        INFO("bytes " << bytes);
        CHECK(work(bytes, end) <= 8 * bytes);
      }
    }
  }
}

}  // namespace
}  // namespace cairn::query
