// Any text as the value of a filter.
#include "client/issue_reference.h"

#include <catch2/catch.hpp>

#include "query/parser.h"

using namespace cairn;

TEST_CASE("a quoted value reads back as the text it was made of") {
  for (const char* text :
       {"", "plain", "two words", "a\"b", "back\\slash", "star*", "\\*", "a\\\\*b\\\"c", "end\\",
        "]:[", "* *", "\xc3\xbc", "http://x/?a=b&c=\"d\""}) {
    const auto query = query::parse("fingerprint:" + client::quoted_value(text) + " x");
    INFO(client::quoted_value(text));
    REQUIRE(query);
    REQUIRE(query->filter);
    const auto* both = std::get_if<query::And>(&query->filter->what);
    REQUIRE(both != nullptr);
    const auto* filter = std::get_if<query::Filter>(&both->terms.at(0).what);
    REQUIRE(filter != nullptr);
    CHECK(filter->values.at(0).text == text);
    CHECK(filter->values.at(0).pattern.empty());
  }
}
