#include "model/group_type.h"

#include <catch2/catch.hpp>
#include <set>

using namespace cairn::model;

TEST_CASE("known types are in order, with slugs of their own and named categories") {
  std::set<std::string> slugs;
  uint32_t last = 0;
  for (const GroupType& type : known_group_types()) {
    INFO(type.id);
    CHECK(type.id > last);
    last = type.id;
    CHECK(slugs.insert(type.slug).second);
    CHECK(!category_name(type.category).empty());
    CHECK(!category_name(type.category_v2).empty());
    CHECK((type.default_priority == 25 || type.default_priority == 50 ||
           type.default_priority == 75));
    CHECK(find_known_group_type(type.id) == &type);
  }
  CHECK(slugs.size() == 37);
}

TEST_CASE("known types: some rows by hand") {
  const GroupType* error = find_known_group_type(1);
  REQUIRE(error != nullptr);
  CHECK(*error == GroupType{.id = 1, .slug = "error", .category = 1, .category_v2 = 1});

  const GroupType* query = find_known_group_type(1001);
  REQUIRE(query != nullptr);
  CHECK(*query == GroupType{.id = 1001,
                            .slug = "performance_slow_db_query",
                            .category = 2,
                            .category_v2 = 12,
                            .default_priority = 25,
                            .noise_limit = 100});

  const GroupType* feedback = find_known_group_type(6001);
  REQUIRE(feedback != nullptr);
  CHECK_FALSE(feedback->in_default_search);
  CHECK_FALSE(feedback->auto_resolve);
  CHECK(feedback->quota_per_hour == 1000);

  const GroupType* monitor = find_known_group_type(4001);
  REQUIRE(monitor != nullptr);
  CHECK(monitor->default_priority == 75);
  CHECK(monitor->quota_per_hour == 60'000);
  CHECK(category_name(monitor->category) == "cron");
  CHECK(category_name(monitor->category_v2) == "outage");

  const GroupType* injection = find_known_group_type(1021);
  REQUIRE(injection != nullptr);
  CHECK(injection->noise_limit == 10);
  CHECK_FALSE(injection->released);
  CHECK_FALSE(injection->escalation);
}

TEST_CASE("a type nobody registered has a name and the defaults") {
  CHECK(find_known_group_type(9001) == nullptr);
  CHECK(find_known_group_type(0) == nullptr);
  CHECK(find_known_group_type(0xffffffff) == nullptr);
  CHECK(unknown_group_type(9001) == GroupType{.id = 9001, .slug = "type-9001"});
}

TEST_CASE("categories beyond the last have no name") {
  CHECK(category_name(0).empty());
  CHECK(category_name(1) == "error");
  CHECK(category_name(18) == "instrumentation");
  CHECK(category_name(19).empty());
  CHECK(category_name(0xffff).empty());
}
