#include "model/term_batch.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/hash.h"

namespace cairn::model {

TEST_CASE("a batch keeps terms, and numbers tags in order of appearance") {
  TermBatch batch;
  batch.add({field::kLevel, {}, "error"});
  batch.add({FieldId{}, "os", "Linux"});
  batch.add({FieldId{}, "browser", "Chrome"});
  batch.end();
  batch.end();
  batch.add({FieldId{}, "browser", "Firefox"});
  batch.add({FieldId{}, "new", "x"});
  batch.add({FieldId{}, "os", "Linux"});
  batch.end();
  REQUIRE(batch.size() == 3);
  CHECK(batch.tags().size() == 3);
  CHECK(batch.tags()[2] == "new");
  REQUIRE(batch.terms(0).size() == 3);
  CHECK(!batch.terms(0)[0].is_tag());
  CHECK(batch.terms(0)[0].field() == field::kLevel);
  CHECK(batch.terms(0)[0].hash() == hash64("error"));
  CHECK(batch.terms(0)[2].tag() == 1);
  CHECK(batch.terms(1).empty());
  CHECK(batch.terms(2)[0].tag() == 1);
  CHECK(batch.terms(2)[1].tag() == 2);
  CHECK(batch.terms(2)[2].tag() == 0);
}

TEST_CASE("views of a batch live on when it is moved, and the batch left behind can be used") {
  TermBatch batch;
  const std::string long_value(300'000, 'v');
  batch.add({FieldId{}, "tag", "short"});
  batch.add({FieldId{}, "tag", long_value});
  batch.end();
  TermBatch moved = std::move(batch);
  batch.clear();
  batch.add({FieldId{}, "other", "value"});
  batch.end();
  CHECK(moved.terms(0)[0].value() == "short");
  CHECK(moved.terms(0)[1].value() == long_value);
  CHECK(moved.tags()[0] == "tag");
  CHECK(batch.tags()[0] == "other");
  moved.clear();
  CHECK(moved.size() == 0);
  CHECK(moved.tags().empty());
  CHECK(moved.memory_bytes() < long_value.size());
}

}  // namespace cairn::model
