#include "model/rules.h"

#include <catch2/catch.hpp>

using namespace cairn::model;

TEST_CASE("each substatus belongs to one status") {
  for (const Status status : {Status::Unresolved, Status::Resolved, Status::Ignored}) {
    INFO(static_cast<int>(status));
    CHECK(substatus_fits(status, Substatus::None) == (status == Status::Resolved));
    for (const Substatus substatus :
         {Substatus::New, Substatus::Ongoing, Substatus::Escalating, Substatus::Regressed}) {
      CHECK(substatus_fits(status, substatus) == (status == Status::Unresolved));
    }
    for (const Substatus substatus :
         {Substatus::UntilEscalating, Substatus::UntilConditionMet, Substatus::Forever}) {
      CHECK(substatus_fits(status, substatus) == (status == Status::Ignored));
    }
    CHECK(substatus_fits(status, usual_substatus(status)));
    CHECK_FALSE(substatus_fits(status, static_cast<Substatus>(8)));
  }
}

TEST_CASE("a status with its substatus, as text") {
  CHECK(status_text(Status::Resolved, Substatus::None) == "resolved");
  CHECK(status_text(Status::Unresolved, Substatus::Regressed) == "unresolved/regressed");
}

TEST_CASE("assignees") {
  for (const std::string_view good : {"user:1", "team:9", "user:u_3f", "team:a:b"}) {
    INFO(good);
    CHECK(valid_assignee(good));
  }
  CHECK(valid_assignee("user:" + std::string(200, 'x')));
  CHECK_FALSE(valid_assignee("user:" + std::string(201, 'x')));
  for (const std::string_view bad : {"", "7", "user:", "team:", "User:7", "user:a b", "user:a\n",
                                     "user:a\x7f", "group:7", " user:7"}) {
    INFO(bad);
    CHECK_FALSE(valid_assignee(bad));
  }
}

TEST_CASE("titles that say nothing") {
  CHECK(placeholder_title(""));
  CHECK(placeholder_title("<untitled>"));
  CHECK_FALSE(placeholder_title("untitled"));
}
