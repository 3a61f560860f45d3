#include "model/json_tree.h"

#include <catch2/catch.hpp>
#include <string>

namespace cairn::model {

TEST_CASE("a tree points back into its text") {
  JsonTree tree;
  const std::string text = R"( { "a" : [ 1 , "x\n" , {} ] , "b\t":null, "c": {"d":true} } )";
  REQUIRE(tree.parse(text, 2, 10).ok());
  const JsonValue root = tree.root();
  CHECK(root.kind() == JsonKind::Object);
  CHECK(root.raw() == text.substr(1, text.size() - 2));
  const JsonValue a = root.first();
  CHECK(a.content() == "a");
  CHECK(!a.escaped());
  const JsonValue list = a.next();
  CHECK(list.raw() == R"([ 1 , "x\n" , {} ])");
  CHECK(list.position() == 9);
  JsonValue element = list.first();
  CHECK(element.raw() == "1");
  CHECK(element.kind() == JsonKind::Number);
  element = element.next();
  CHECK(element.content() == "x\\n");
  CHECK(element.escaped());
  element = element.next();
  CHECK(element.raw() == "{}");
  CHECK(!element.first());
  CHECK(!element.next());
  const JsonValue b = list.next();
  CHECK(b.content() == "b\\t");
  CHECK(b.next().kind() == JsonKind::Null);
  const JsonValue c = b.next().next().next();
  CHECK(c.raw() == R"({"d":true})");
  CHECK(c.first().content() == "d");
  CHECK(!c.next());
}

TEST_CASE("what lies below the kept depth is checked and not indexed") {
  JsonTree tree;
  REQUIRE(tree.parse(R"({"a":{"b":{"c":1}},"d":2})", 1, 10).ok());
  const JsonValue a = tree.root().first().next();
  CHECK(a.raw() == R"({"b":{"c":1}})");
  CHECK(!a.first());
  CHECK(a.next().content() == "d");
  CHECK(!tree.parse(R"({"a":{"b":{"c":01}},"d":2})", 1, 10).ok());
}

TEST_CASE("a tree can be used again after an error and after a large text") {
  JsonTree tree;
  CHECK(!tree.parse("{", 4, 10).ok());
  const std::string large = "{\"a\":\"" + std::string(3 << 20, 'x') + "\"}";
  REQUIRE(tree.parse(large, 4, 10).ok());
  CHECK(tree.root().raw().size() == large.size());
  REQUIRE(tree.parse("{\"b\":1}", 4, 10).ok());
  CHECK(tree.root().first().content() == "b");
}

TEST_CASE("an error says where") {
  struct Case {
    const char* text;
    const char* words;
    uint32_t position;
  };
  JsonTree tree;
  for (const Case& c :
       {Case{R"({"a":1}x)", "text after the end of the object", 7},
        Case{R"({"a":1} {})", "text after the end of the object", 8},
        Case{R"({"a":1)", "an object or array is not closed", 6},
        Case{R"({"a":[1,{"b":2})", "an object or array is not closed", 15},
        Case{R"({"a":[1})", "missing or misplaced", 7},
        Case{R"({"a":1]})", "missing or misplaced", 6},
        Case{R"({"a" 1})", "missing or misplaced", 5},
        Case{R"({"a":1,})", "missing or misplaced", 7},
        Case{R"({"a":,})", "missing or misplaced", 5},
        Case{R"({"a":"b"c})", "missing or misplaced", 8},
        Case{R"({"a":["a":1]})", "missing or misplaced", 9},
        Case{R"([1])", "expected an object", 0}, Case{R"({"a":tru})", "'tru' is not a value", 5},
        Case{R"({"a":[[[[1]]]]})", "nested deeper than 4 levels", 8}}) {
    CAPTURE(c.text);
    const auto result = tree.parse(c.text, 2, 4);
    REQUIRE(!result.ok());
    CHECK_THAT(result.error().message, Catch::Contains(c.words));
    CHECK(result.error().position == c.position);
  }
}

TEST_CASE("texts of every length around the block sizes of the reader") {
  JsonTree tree;
  for (size_t size = 0; size < 300; ++size) {
    const std::string text =
        "{\"" + std::string(size, 'k') + "\":\"" + std::string(size, 'v') + "\"}";
    REQUIRE(tree.parse(text, 4, 10).ok());
    CHECK(tree.root().first().next().content().size() == size);
    CHECK(!tree.parse(text.substr(0, text.size() - 1), 4, 10).ok());
    CHECK(!tree.parse(text.substr(0, text.size() - 2), 4, 10).ok());
  }
}

}  // namespace cairn::model
