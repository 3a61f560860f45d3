#include <catch2/catch.hpp>

#include "query/parser.h"

namespace cairn::query {
namespace {

Error error_at(uint32_t position) { return Error{ErrorCode::InvalidArgument, "Wrong.", position}; }

TEST_CASE("the caret stands under the position", "[query][explain_error]") {
  CHECK(explain_error("level:error foo:", error_at(16)) ==
        "Wrong.\n  level:error foo:\n                  ^");
  CHECK(explain_error("abc", error_at(0)) == "Wrong.\n  abc\n  ^");
  CHECK(explain_error("abc", error_at(99)) == "Wrong.\n  abc\n     ^");
  CHECK(explain_error("", error_at(0)) == "Wrong.\n  \n  ^");
}

TEST_CASE("an error without a position is its message", "[query][explain_error]") {
  CHECK(explain_error("abc", Error{ErrorCode::Io, "Wrong.", {}}) == "Wrong.");
}

TEST_CASE("the caret counts characters, not bytes", "[query][explain_error]") {
  CHECK(explain_error("\xC3\xA4\xE2\x89\xA5 x", error_at(6)) ==
        "Wrong.\n  \xC3\xA4\xE2\x89\xA5 x\n     ^");
  // A position inside a character points at the character.
  CHECK(explain_error("a\xC3\xA4z", error_at(2)) == "Wrong.\n  a\xC3\xA4z\n   ^");
}

TEST_CASE("tabs move the caret as they move the text", "[query][explain_error]") {
  CHECK(explain_error("a\tb:", error_at(4)) == "Wrong.\n  a\tb:\n   \t  ^");
}

TEST_CASE("only the line of the position is shown", "[query][explain_error]") {
  CHECK(explain_error("ab\ncd\nef", error_at(4)) == "Wrong.\n  cd\n   ^");
  CHECK(explain_error("ab\ncd", error_at(2)) == "Wrong.\n  ab\n    ^");
}

TEST_CASE("long lines are cut around the position", "[query][explain_error]") {
  const std::string line(200, 'x');
  const std::string shown(72, 'x');
  CHECK(explain_error(line, error_at(0)) == "Wrong.\n  " + shown + "...\n  ^");
  CHECK(explain_error(line, error_at(100)) ==
        "Wrong.\n  ..." + shown + "...\n" + std::string(5 + 36, ' ') + "^");
  CHECK(explain_error(line, error_at(200)) ==
        "Wrong.\n  ..." + shown + "\n" + std::string(5 + 72, ' ') + "^");
}

}  // namespace
}  // namespace cairn::query
