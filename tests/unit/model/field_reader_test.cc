#include "model/field_reader.h"

#include <catch2/catch.hpp>
#include <string>

namespace cairn::model {

TEST_CASE("a name given twice is found among few and among many") {
  NameSet names;
  CHECK(!names.duplicate());
  for (const size_t count : {2, 24, 25, 500}) {
    CAPTURE(count);
    std::vector<std::string> distinct;
    for (size_t i = 0; i < count; ++i) distinct.push_back("name" + std::to_string(i));
    names.clear();
    for (const std::string& name : distinct) names.add(name);
    CHECK(names.size() == count);
    CHECK(!names.duplicate());
    names.add(distinct[count / 2]);
    CHECK(names.duplicate() == distinct[count / 2]);
  }
}

TEST_CASE("a name is compared to its end") {
  CHECK(is_name("tags", "tags"));
  CHECK_FALSE(is_name("tag", "tags"));
  CHECK_FALSE(is_name("tagss", "tags"));
  CHECK_FALSE(is_name("tagS", "tags"));
  CHECK_FALSE(is_name("", "tags"));
}

TEST_CASE("members are found under their decoded name") {
  JsonTree tree;
  REQUIRE(tree.parse(R"({"a":1,"\u0062":2,"c":{}})", 2, 10).ok());
  CHECK(find_member(tree.root(), "a").raw() == "1");
  CHECK(find_member(tree.root(), "b").raw() == "2");
  CHECK(!find_member(tree.root(), "d"));
  CHECK(!find_member(find_member(tree.root(), "c"), "a"));
}

TEST_CASE("values in messages are short and never cut a character") {
  JsonTree tree;
  const std::string text(30, 'x');
  for (size_t pad = 0; pad < 4; ++pad) {
    std::string value = std::string(pad, '-');
    for (int i = 0; i < 40; ++i) value += "\xE2\x82\xAC";
    REQUIRE(tree.parse("{\"a\":\"" + value + "\",\"b\":[1],\"c\":\"" + text + "\"}", 2, 10).ok());
    const std::string shown = show(find_member(tree.root(), "a"));
    CHECK(shown.size() <= 60);
    CHECK(shown.ends_with("\xE2\x82\xAC..."));
    CHECK(show(find_member(tree.root(), "b")) == "an array");
    CHECK(show(find_member(tree.root(), "c")) == "\"" + text + "\"");
  }
}

TEST_CASE("the first failure is kept with its place") {
  JsonTree tree;
  REQUIRE(tree.parse(R"({"a":"x"})", 2, 10).ok());
  FieldReader reader;
  int64_t number = 0;
  CHECK(!reader.integer("a", find_member(tree.root(), "a"), 0, 9, number));
  const Error error = reader.take_error();
  CHECK(error.message == "a: expected an integer, got a string");
  CHECK(error.position == 5u);
  ProjectId project{};
  CHECK(!reader.project("p", find_member(tree.root(), "p"), project));
  CHECK(!reader.take_error().position);
}

}  // namespace cairn::model
