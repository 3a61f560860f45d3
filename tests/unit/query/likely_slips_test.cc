#include "query/likely_slips.h"

#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

std::vector<std::string> warned(const std::string& text) {
  std::vector<std::string> warnings;
  query::warn_of_likely_slips(Shop::parsed(text), warnings);
  return warnings;
}

TEST_CASE("a pipe without a blank in front is warned of") {
  CHECK(warned("level:error| count()") ==
        std::vector<std::string>{"\"error|\" is searched for as it stands: write a blank before | "
                                 "to begin the pipeline, or put it in quotes."});
  for (const char* text :
       {"timeout| count()", "timeout|count()", "a level:error|uniq(user)", "!level:error| limit 5",
        "k:[a, b]| count()", "(a:b OR c:d| count())", "x a:1|top_9(b)"}) {
    INFO(text);
    CHECK(warned(text).size() == 1);
  }
  CHECK(warned("a:b| OR c:d| fields title").size() == 2);
}

TEST_CASE("signs of other languages are warned of") {
  CHECK(warned("level=error") ==
        std::vector<std::string>{"\"level=error\" is searched for as it stands: for the field "
                                 "write level:error, or put it in quotes."});
  CHECK(warned("timeout times_seen>=10 now") ==
        std::vector<std::string>{"\"times_seen>=10\" is searched for as it stands: for the field "
                                 "write times_seen:>=10, or put it in quotes."});
  CHECK(warned("level==error").front().find("write level:error,") != std::string::npos);
  CHECK(warned("level!=error").front().find("write level:!=error,") != std::string::npos);
  CHECK(warned("level:error && release:1.0") ==
        std::vector<std::string>{"\"&&\" is searched for as it stands: terms beside each other "
                                 "must all be true already."});
  CHECK(warned("a || b") == std::vector<std::string>{"\"||\" is searched for as it stands: write "
                                                     "OR for one of two terms."});
  for (const char* text : {"a=b", "\"level=error\"", "=error", "level=", "level==", "x:level=error",
                           "a&b", "\"a || b\"", "<level>"}) {
    INFO(text);
    CHECK(warned(text).empty());
  }
}

TEST_CASE("levels there are none of are warned of") {
  CHECK(warned("level:ERROR") ==
        std::vector<std::string>{"\"ERROR\" is no level; did you mean \"error\"? Known are debug, "
                                 "info, warning, error and fatal."});
  CHECK(warned("a OR !level:[err, warn, info]").size() == 2);
  for (const char* text : {"level:error", "level:sample", "level:err*", "level:\"\"", "has:level",
                           "level://err//", "tags[level]:x", "lvel:x"}) {
    INFO(text);
    CHECK(warned(text).empty());
  }
}

TEST_CASE("a pipe that is meant as text, or begins the pipeline, is not") {
  for (const char* text :
       {"", "level:error | count()", "level:error |count()", "\"x\"| count()", "level:\"error|\"",
        "\"a| count()\"", "a:x|y", "x|y z", "a||", "k:[a|, b]", "(a:b)| count()"}) {
    INFO(text);
    CHECK(warned(text).empty());
  }
}

TEST_CASE_METHOD(Shop, "pages, tables and lists carry the warning") {
  event({"a", "2026-11-21T08:00:00Z", "A"});
  const auto page = must(query::search(view(), parsed("level:error| count()"), options()));
  CHECK(page.total == 0);
  CHECK(page.warnings.size() == 1);
  for (const char* text : {"level:error| | count()", "level:error| | fields title"}) {
    CHECK(must(query::aggregate(view(), parsed(text), options())).warnings.size() == 1);
  }
}

}  // namespace
}  // namespace cairn::testing
