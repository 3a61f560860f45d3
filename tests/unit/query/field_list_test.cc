// What the list of fields says is what queries take.
#include "query/field_list.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

class Fields : public Shop {
 public:
  Fields() {
    event({"a", "2026-11-21T08:00:00Z", "A", "error",
           R"("release":"1.0","tags":{"browser":"Chrome","took":"12ms","my key":"x",)"
           R"("level":"odd"})"});
    event({"a", "2026-11-21T08:00:00Z", "A", "fatal", R"("tags":{"took":"7"})"});
    list_ = must(query::list_fields(view()));
  }

  const query::FieldInfo& field(const std::string& name) const {
    const auto found =
        std::find_if(list_.begin(), list_.end(), [&](const auto& one) { return one.name == name; });
    INFO(name);
    REQUIRE(found != list_.end());
    return *found;
  }

 protected:
  std::vector<query::FieldInfo> list_;
};

TEST_CASE_METHOD(Fields, "fields of the occurrence with values as they came") {
  CHECK(field("level").values == 2u);
  CHECK(field("level").examples == std::vector<std::string>{"error", "fatal"});
  CHECK(field("environment").aliases == std::vector<std::string>{"env"});
  CHECK(field("environment").values == 0u);
  CHECK(field("release.version").type == "version");
  CHECK(field("user.id").aliases.empty());
}

TEST_CASE_METHOD(Fields, "fields of the issue with their words") {
  CHECK(field("issue.priority").examples == std::vector<std::string>{"high", "medium", "low"});
  CHECK(field("first_seen").aliases == std::vector<std::string>{"firstSeen", "age"});
  CHECK(field("timestamp").scope == "time");
}

TEST_CASE_METHOD(Fields, "tags as a query names them") {
  CHECK(field("browser").type == "text");
  CHECK(field("took").type == "number");
  CHECK(field("\"my key\"").examples == std::vector<std::string>{"x"});
  CHECK(field("tags[level]").examples == std::vector<std::string>{"odd"});
}

TEST_CASE_METHOD(Fields, "every name and every alias can be asked for") {
  for (const auto& one : list_) {
    INFO(one.name);
    const bool has = one.scope == "occurrence" || one.scope == "tag";
    if (has && one.type != "id") count("has:" + one.name);
    for (const std::string& alias : one.aliases) {
      if (one.scope == "occurrence") count(alias + ":x");
    }
    const bool sample = one.scope == "issue" && one.type != "id";
    for (const std::string& example : one.examples) {
      if (sample && example != "me" && example != "my_teams") issues(one.name + ":" + example);
      if (one.name == "is") issues("is:" + example);
      if (one.scope == "time") count(one.name + ":" + example);
      if (one.type == "version") count(one.name + ":" + example);
    }
  }
}

}  // namespace
}  // namespace cairn::testing
