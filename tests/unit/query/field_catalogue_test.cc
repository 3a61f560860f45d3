#include "query/field_catalogue.h"

#include <catch2/catch.hpp>

#include "model/field.h"

namespace cairn::query {
namespace {

TEST_CASE("every builtin field is found by its name, except the type of the occurrence") {
  for (const model::BuiltinField& builtin : model::builtin_fields()) {
    const FieldRef ref = find_field(builtin.name);
    INFO(builtin.name);
    if (builtin.id == model::field::kType) {
      CHECK(ref.scope == Scope::Group);
      CHECK(ref.group == GroupField::Type);
    } else {
      CHECK(ref.scope == Scope::Event);
      CHECK(ref.event.id == builtin.id);
    }
  }
}

TEST_CASE("other names are tags, and tags[] is never anything else") {
  CHECK(find_field("browser").event.tag == "browser");
  CHECK(find_field("tags[level]").event.tag == "level");
  CHECK(find_field("tags[size,number]").event.tag == "size");
  Key key;
  key.form = KeyForm::Tag;
  key.name = "is";
  CHECK(find_field(key).scope == Scope::Event);
  CHECK(find_field(key).event.tag == "is");
}

TEST_CASE("suggestions are near or not made") {
  const std::vector<std::string_view> known = {"unresolved", "resolved", "new"};
  CHECK(suggestion("unresloved", known) == "; did you mean \"unresolved\"?");
  CHECK(suggestion("nwe", known) == ".");
  CHECK(suggestion("NEW", known) == "; did you mean \"new\"?");
  CHECK(suggestion("something", known) == ".");
  CHECK(suggestion(std::string(10'000, 'x'), known) == ".");
  CHECK(enumerate(known) == "unresolved, resolved and new");
}

}  // namespace
}  // namespace cairn::query
