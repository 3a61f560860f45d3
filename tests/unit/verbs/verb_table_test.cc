// Slips of the finger lead to the verb that was meant.
#include "verbs/verb_table.h"

#include <catch2/catch.hpp>
#include <string>

using namespace cairn::verbs;

TEST_CASE("the nearest verb") {
  const auto near = [](std::string_view word) {
    const VerbHelp* verb = nearest_verb(word);
    return verb == nullptr ? std::string() : std::string(verb->name);
  };
  CHECK(near("qeury") == "query");
  CHECK(near("imprt") == "import");
  CHECK(near("unmarge") == "unmerge");
  CHECK(near("res") == "resolve");
  CHECK(near("verfy") == "verify");
  CHECK(near("xyzzy").empty());
  CHECK(near("").empty());
  CHECK(near(std::string(100'000, 'q')).empty());
}

TEST_CASE("verbs are found by their whole name only") {
  REQUIRE(find_verb("query") != nullptr);
  CHECK(find_verb("query")->name == "query");
  CHECK(find_verb("quer") == nullptr);
  CHECK(find_verb("") == nullptr);
}

TEST_CASE("help fits 80 columns") {
  std::string text = overview();
  for (const VerbHelp& verb : verb_table()) text.append(verb.details).append("\n");
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = text.find('\n', start);
    INFO(text.substr(start, end - start));
    CHECK(end - start <= 81);
    start = end + 1;
  }
}
