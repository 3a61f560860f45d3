// A query read back as a tree.
#include "client/ast_text.h"

#include <catch2/catch.hpp>

#include "query/parser.h"

using namespace cairn;

TEST_CASE("the tree shows structure, operators and stages") {
  const auto text = [](std::string_view source) {
    const auto query = query::parse(source);
    REQUIRE(query);
    return client::ast_text(*query);
  };
  CHECK(text("") == "everything\n");
  CHECK(text("is:unresolved (level:[error, fatal] OR !has:user) times_seen:>10") ==
        "and\n"
        "  is = \"unresolved\"\n"
        "  or\n"
        "    level in [\"error\", \"fatal\"]\n"
        "    not has = \"user\"\n"
        "  times_seen > \"10\"\n");
  CHECK(text("browser:Chrome* | count() uniq(user) by release every 1h | limit 5") ==
        "browser = pattern(\"Chrome\" * )\n"
        "aggregate\n"
        "  count()\n"
        "  uniq(user)\n"
        "  by release\n"
        "  every 3600 s\n"
        "limit 5\n");
}
