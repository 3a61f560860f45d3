#include "model/occurrence_columns.h"

#include <catch2/catch.hpp>
#include <string>

namespace cairn::model {

TEST_CASE("numbers of a column") {
  ByteColumn column;
  const std::vector<uint64_t> numbers = {0, 1, 127, 128, 300, 1u << 21, ~uint64_t{0}};
  for (const uint64_t n : numbers) column.number(n);
  ColumnReader reader(column.view());
  for (const uint64_t n : numbers) CHECK(reader.number() == n);
  CHECK(reader.done());
  CHECK(reader.number() == 0);
  CHECK(!reader.ok());
}

TEST_CASE("a column that ends early or a number that does not end is not ok") {
  ColumnReader cut(std::string_view("\x80", 1));
  CHECK(cut.number() == 0);
  CHECK(!cut.ok());
  const std::string endless(20, '\xff');
  ColumnReader reader(endless);
  reader.number();
  CHECK(!reader.ok());
  ColumnReader text("abc");
  CHECK(text.text(2) == "ab");
  CHECK(text.ok());
  CHECK(text.text(2).empty());
  CHECK(!text.ok());
}

TEST_CASE("times far apart, and ids more than there are") {
  Record record;
  record.body.emplace<Occurrence>().fingerprint = {"f"};
  OccurrenceColumnsWriter writer;
  for (const int64_t time : {INT64_MIN, INT64_MAX, int64_t{0}}) {
    record.time = TimeUs{time};
    writer.add(record);
  }
  std::vector<std::byte> bytes;
  writer.write(bytes);
  const std::string_view columns(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string ids(writer.plain()[1]);
  OccurrenceColumnsReader reader;
  ColumnReader in(columns);
  REQUIRE(reader.open(in, 3, ids));
  for (const int64_t time : {INT64_MIN, INT64_MAX, int64_t{0}}) {
    REQUIRE(reader.read(record));
    CHECK(record.time == TimeUs{time});
  }
  CHECK(reader.done());
  ColumnReader again(columns);
  CHECK(!reader.open(again, 2, ids));
  ColumnReader short_in(columns.substr(0, columns.size() - 1));
  CHECK(!reader.open(short_in, 3, ids));
}

}  // namespace cairn::model
