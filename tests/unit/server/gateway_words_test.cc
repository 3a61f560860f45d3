#include "server/gateway_words.h"

#include <catch2/catch.hpp>

#include "verbs/arguments.h"

using namespace cairn;
using namespace cairn::server;

TEST_CASE("a body of a query becomes words that mean it") {
  const auto words = query_words(
      R"({"query": "--limit is:unresolved \u00e9", "limit": 5, "sort": "freq", "team": ["1", 2]})");
  REQUIRE(words.ok());
  const auto parsed = verbs::parse_arguments(*words);
  if (const auto* advice = std::get_if<verbs::Advice>(&parsed)) FAIL(advice->text);
  const auto& invocation = std::get<verbs::Invocation>(parsed);
  CHECK(invocation.json);
  const auto& query = std::get<verbs::QueryArguments>(invocation.verb);
  CHECK(query.query == "--limit is:unresolved \xC3\xA9");
  CHECK(query.limit == 5u);
  CHECK(query.sort == query::Sort::Freq);
  CHECK(query.viewer.teams == std::vector<std::string>{"1", "2"});
}

TEST_CASE("what is no such body is refused") {
  for (const std::string body :
       {"", "[]", "1", "{", "{\"query\": {}}", "{\"query\": [\"a\", \"b\"]}", "{\"quary\": \"a\"}",
        "{\"limit\": -1}", "{\"limit\": 1.5}", "{\"limit\": true}",
        "{\"query\": \"a\", \"query\": \"b\"}", "{\"query\": [[\"a\"]]}"}) {
    INFO(body);
    const auto words = query_words(body);
    REQUIRE_FALSE(words.ok());
    CHECK(words.error().code == ErrorCode::InvalidArgument);
  }
  CHECK_FALSE(query_words(std::string(100'000, '[')).ok());
}

TEST_CASE("a verb gets the word for the store in front of its arguments") {
  const auto words = verb_words("merge", R"({"args": ["SHOP-1", "SHOP-2", "--key", "k"]})");
  REQUIRE(words.ok());
  CHECK(*words ==
        std::vector<std::string>{"merge", "--json", "store", "SHOP-1", "SHOP-2", "--key", "k"});
  CHECK(verb_words("stats", "")->size() == 3);
  CHECK_FALSE(verb_words("merge", R"({"arg": []})").ok());
}

TEST_CASE("statuses say what went wrong") {
  CHECK(http_status(0, "") == 200);
  CHECK(http_status(3, "") == 200);
  CHECK(http_status(2, "") == 400);
  CHECK(http_status(1, R"({"error":{"code":"not_found","message":"x","position":null}})") == 404);
  CHECK(http_status(1, R"({"error":{"code":"conflict","message":"x","position":null}})") == 409);
  CHECK(http_status(1, R"({"error":{"code":"denied","message":"x","position":null}})") == 403);
  // The end of an answer that was cut short; what came before may look like an error.
  CHECK(http_status(1, R"({"error":{"code":"io"}}
{"error":{"code":"exhausted","message":"x","position":null}})") == 422);
  CHECK(http_status(1, "cut") == 500);
  CHECK(http_status(Refusal::deny("x")) == 403);
  CHECK(http_status(Refusal::busy("x", 1)) == 429);
}

TEST_CASE("pieces of a path are decoded") {
  CHECK(decode_url("a%20b%2F") == "a b/");
  CHECK(decode_url("") == "");
  CHECK_FALSE(decode_url("%"));
  CHECK_FALSE(decode_url("%4"));
  CHECK_FALSE(decode_url("%zz"));
}

TEST_CASE("rules of alerts come as a body, with options in the query string") {
  using Words = std::vector<std::string>;
  CHECK(*alert_words(false, "", "") == Words{"alert", "--json", "--", "store", "add", "-"});
  CHECK(*alert_words(false, "--a b", "actor=ada%20l&key=--k") ==
        Words{"alert", "--json", "--actor=ada l", "--key=--k", "--", "store", "change", "--a b",
              "-"});
  CHECK(*alert_words(true, "", "last=7d&limit=3") ==
        Words{"alert", "--json", "--last=7d", "--limit=3", "--", "store", "test", "-"});
  for (const Words& words : {*alert_words(false, "", "key=k"), *alert_words(false, "--json", ""),
                             *alert_words(true, "", "last=1d")}) {
    CHECK(std::holds_alternative<verbs::Invocation>(verbs::parse_arguments(words)));
  }
  for (const std::string query : {"last=7d", "actor=%zz", "x", "=", "json"}) {
    INFO(query);
    CHECK_FALSE(alert_words(false, "", query).ok());
  }
}
