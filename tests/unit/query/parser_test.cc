#include "query/parser.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <random>

#include "query/ast_dump.h"

namespace cairn::query {
namespace {

Query parsed(std::string_view text) {
  auto query = parse(text);
  INFO(text);
  REQUIRE(query.ok());
  return std::move(query).value();
}

std::string_view at(const Query& query, Span span) {
  REQUIRE(span.begin <= span.end);
  REQUIRE(span.end <= query.source.size());
  return std::string_view(query.source).substr(span.begin, span.end - span.begin);
}

const Filter& filter_of(const Query& query) { return std::get<Filter>(query.filter->what); }

std::string repeated(std::string_view unit, size_t bytes) {
  std::string text;
  while (text.size() + unit.size() <= bytes) text += unit;
  return text;
}

// Every place in the tree lies inside its parent's.
void check_places(const Query& query, const Node& node, Span parent) {
  REQUIRE(parent.begin <= node.at.begin);
  REQUIRE(node.at.begin < node.at.end);
  REQUIRE(node.at.end <= parent.end);
  if (const auto* filter = std::get_if<Filter>(&node.what)) {
    REQUIRE_FALSE(filter->values.empty());
    REQUIRE(filter->key.at.end < filter->values.front().at.begin);
    for (const Value& value : filter->values) REQUIRE(value.at.end <= node.at.end);
  } else if (const auto* text = std::get_if<FreeText>(&node.what)) {
    REQUIRE(text->value.at.end <= node.at.end);
  } else if (const auto* all = std::get_if<And>(&node.what)) {
    REQUIRE(all->terms.size() >= 2);
    for (const Node& term : all->terms) check_places(query, term, node.at);
  } else if (const auto* any = std::get_if<Or>(&node.what)) {
    REQUIRE(any->terms.size() >= 2);
    for (const Node& term : any->terms) check_places(query, term, node.at);
  } else {
    check_places(query, *std::get<Not>(node.what).term, node.at);
  }
}

TEST_CASE("places in a filter are exact", "[query][parser]") {
  const Query query = parsed("  !tags[os.name,string]:>=\"1 \\\" 2\"  ");
  CHECK(query.source == "  !tags[os.name,string]:>=\"1 \\\" 2\"  ");
  const Filter& filter = filter_of(query);
  CHECK(at(query, filter.at) == "!tags[os.name,string]:>=\"1 \\\" 2\"");
  CHECK(at(query, query.filter->at) == at(query, filter.at));
  CHECK(at(query, filter.key.at) == "tags[os.name,string]");
  CHECK(at(query, filter.op_at) == ">=");
  CHECK(at(query, filter.values[0].at) == "\"1 \\\" 2\"");
  CHECK(filter.values[0].text == "1 \" 2");
  CHECK(filter.values[0].quoted);
  CHECK(filter.negated);
}

TEST_CASE("places in a list are exact", "[query][parser]") {
  const Query query = parsed("level:[error,  \"very fatal\"]");
  const Filter& filter = filter_of(query);
  REQUIRE(filter.values.size() == 2);
  CHECK(filter.list);
  CHECK(filter.op_at.begin == filter.op_at.end);
  CHECK(at(query, filter.values[0].at) == "error");
  CHECK(at(query, filter.values[1].at) == "\"very fatal\"");
}

TEST_CASE("places of phrases, groups and negations are exact", "[query][parser]") {
  const Query query = parsed(" one  two  NOT (a:1 OR !\"b c\") ");
  const auto& terms = std::get<And>(query.filter->what).terms;
  REQUIRE(terms.size() == 2);
  CHECK(at(query, terms[0].at) == "one  two");
  CHECK(at(query, terms[1].at) == "NOT (a:1 OR !\"b c\")");
  const Node& group = *std::get<Not>(terms[1].what).term;
  CHECK(at(query, group.at) == "(a:1 OR !\"b c\")");
  const auto& sides = std::get<Or>(group.what).terms;
  CHECK(at(query, sides[1].at) == "!\"b c\"");
  CHECK(at(query, std::get<FreeText>(sides[1].what).value.at) == "\"b c\"");
}

TEST_CASE("places in a pipeline are exact", "[query][parser]") {
  const Query query =
      parsed("a | count()  uniq( tags[b] ) by c, \"d e\" every 1h | top 5 f |sort -g");
  REQUIRE(query.stages.size() == 3);
  const auto& table = std::get<AggregateStage>(query.stages[0]);
  CHECK(at(query, table.at) == "count()  uniq( tags[b] ) by c, \"d e\" every 1h");
  CHECK(at(query, table.calls[1].at) == "uniq( tags[b] )");
  CHECK(at(query, table.calls[1].arguments[0].at) == "tags[b]");
  CHECK(at(query, table.by[1].at) == "\"d e\"");
  CHECK(table.by[1].name == "d e");
  CHECK(table.every_us == 3600 * kMicrosPerSecond);
  CHECK(at(query, std::get<TopStage>(query.stages[1]).at) == "top 5 f");
  CHECK(at(query, std::get<TopStage>(query.stages[1]).field.at) == "f");
  CHECK(at(query, std::get<SortStage>(query.stages[2]).at) == "sort -g");
}

TEST_CASE("patterns keep literal runs, text keeps the asterisk", "[query][parser]") {
  const Value value = filter_of(parsed(R"(k:a\*b*c\\*)")).values[0];
  CHECK(value.text == "a*b*c\\*");
  CHECK(value.pattern == std::vector<std::string>{"a*b", "c\\", ""});
  CHECK(filter_of(parsed("k:x")).values[0].pattern.empty());
  CHECK(filter_of(parsed("k://a*b//")).values[0].pattern.empty());
}

TEST_CASE("a query of nothing has no filter", "[query][parser]") {
  for (const std::string_view text : {"", "   ", "\t", "| count()", "  | limit 5"}) {
    INFO(text);
    CHECK_FALSE(parsed(text).filter.has_value());
  }
}

TEST_CASE("size and depth are limited", "[query][parser]") {
  CHECK(parse(std::string(kMaxQueryBytes, 'a')).ok());
  const auto large = parse(std::string(kMaxQueryBytes + 1, 'a'));
  REQUIRE_FALSE(large.ok());
  CHECK(large.error().code == ErrorCode::InvalidArgument);

  const size_t depth = kMaxQueryDepth;
  CHECK(parse(std::string(depth, '(') + "a:1" + std::string(depth, ')')).ok());
  const auto deep = parse(std::string(depth + 1, '(') + "a:1" + std::string(depth + 1, ')'));
  REQUIRE_FALSE(deep.ok());
  CHECK(deep.error().code == ErrorCode::InvalidArgument);
  CHECK(deep.error().position == depth);
}

TEST_CASE("the number of terms is limited", "[query][parser]") {
  CHECK(parse(repeated("a:1 ", 4 * kMaxQueryTerms)).ok());
  const auto many = parse(repeated("a:1 ", 4 * (kMaxQueryTerms + 1)));
  REQUIRE_FALSE(many.ok());
  CHECK(many.error().code == ErrorCode::InvalidArgument);
  CHECK(many.error().position == 4 * kMaxQueryTerms);
  CHECK(many.error().message.find("4096 terms") != std::string::npos);
  // A list is one.
  CHECK(parse("a:[" + repeated("b, ", 30'000) + "c]").ok());
}

// Each would take minutes, or the stack, if something were read again and again.
TEST_CASE("hostile queries end", "[query][parser]") {
  for (const std::string_view unit : {"(",      "a(",        "a( ",
                                      "(a ",    ")",         "()",
                                      "a:[",    "a:[a:[",    "a:[a, ",
                                      "k://a ", "\"",        "\"\" ",
                                      "f(\"",   "f(a,b ",    "f(f(",
                                      "tags[",  "!",         "!(",
                                      "NOT ",   "NOT (",     "a AND",
                                      "a OR ",  "a ",        "a:b ",
                                      "| ",     "| count()", "\\",
                                      "*",      "a:\\*",     "\t",
                                      "\xFF",   "a:\"\\\"",  "x(y:[a z:[a, ",
                                      "a(a:b ", "[[",        "f( , "}) {
    const std::string query = repeated(unit, kMaxQueryBytes);
    INFO(unit);
    const auto result = parse(query);
    if (!result.ok()) CHECK(result.error().position.value_or(UINT32_MAX) <= query.size());
  }
  const size_t half = kMaxQueryBytes / 2 - 8;
  CHECK_FALSE(parse(repeated("a( ", half) + "z:1" + repeated(") ", half)).ok());
  CHECK(parse(repeated("a(", half) + "z" + repeated(")", half / 2)).ok());
}

TEST_CASE("random queries give a well-formed tree or an error with a place", "[query][parser]") {
  const std::vector<std::string> pieces = {
      "a ",      "b",     "key:v ",    "level:[x, y] ", "\"x y\" ",    "(",          ")",
      "!",       " AND ", " OR ",      " NOT ",         "tags[a]:>1 ", "!k:\"a*\" ", " | ",
      "count()", " by a", " every 1h", "top 5 x",       "sort -a",     "//r// ",     "k://r// "};
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  INFO("seed " << seed);
  std::mt19937 random(seed);
  size_t valid = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t count = random() % 12; count > 0; --count) text += pieces[random() % pieces.size()];
    const auto result = parse(text);
    INFO(text);
    if (!result.ok()) {
      REQUIRE(result.error().code == ErrorCode::InvalidArgument);
      REQUIRE(result.error().position.value_or(UINT32_MAX) <= text.size());
      REQUIRE_FALSE(explain_error(text, result.error()).empty());
      continue;
    }
    ++valid;
    REQUIRE(result->source == text);
    if (result->filter) {
      check_places(*result, *result->filter, Span{0, static_cast<uint32_t>(text.size())});
    }
    REQUIRE_FALSE(dump(*result).empty());
  }
  CHECK(valid > 1000);
}

}  // namespace
}  // namespace cairn::query
