#include "storage/coding.h"

#include <catch2/catch.hpp>

namespace cairn::storage {
namespace {

TEST_CASE("keys sort like their numbers") {
  const uint64_t numbers[] = {0, 1, 255, 256, 65'536, uint64_t{1} << 40, UINT64_MAX};
  for (size_t i = 1; i < std::size(numbers); ++i) {
    const Key small = Key().u32(7).u64(numbers[i - 1]), large = Key().u32(7).u64(numbers[i]);
    CHECK(small.view() < large.view());
    CHECK(key_part<uint64_t>(large.view(), 4) == numbers[i]);
    CHECK(key_part<uint32_t>(large.view(), 0) == 7);
  }
  CHECK(Key().u8(1).u16(0x0203).view() == "\x01\x02\x03");
}

TEST_CASE("rows read back, and not past their end") {
  RowWriter row;
  row.integer(uint8_t{7}).integer(int64_t{-2}).text("cairn").text("");
  RowReader reader(as_byte_span(row.bytes()));
  CHECK(reader.integer<uint8_t>() == 7);
  CHECK(reader.integer<int64_t>() == -2);
  CHECK(reader.text() == "cairn");
  CHECK_FALSE(reader.done());
  CHECK(reader.text().empty());
  CHECK(reader.done());
  CHECK(reader.integer<uint32_t>() == 0);
  CHECK_FALSE(reader.ok());
  CHECK_FALSE(reader.done());
}

TEST_CASE("a string longer than the row is refused") {
  RowWriter row;
  row.integer(uint32_t{100});
  const std::string bytes = row.bytes() + "short";
  RowReader reader(as_byte_span(bytes));
  CHECK(reader.text().empty());
  CHECK_FALSE(reader.ok());
  CHECK(reader.remaining() == 0);
}

TEST_CASE("varints read back, and are written one way") {
  const uint64_t numbers[] = {0, 1, 127, 128, 16'383, 16'384, uint64_t{1} << 63, UINT64_MAX};
  RowWriter row;
  for (const uint64_t number : numbers) row.varint(number);
  CHECK(row.bytes().size() == 1 + 1 + 1 + 2 + 2 + 3 + 10 + 10);
  RowReader reader(as_byte_span(row.bytes()));
  for (const uint64_t number : numbers) CHECK(reader.varint() == number);
  CHECK(reader.done());
  const auto refused = [](std::string_view bytes) {
    RowReader one(as_byte_span(bytes));
    return one.varint() == 0 && !one.ok() && one.integer<uint8_t>() == 0;
  };
  using namespace std::string_view_literals;
  CHECK(refused(""sv));
  CHECK(refused("\x80"sv));
  CHECK(refused("\x80\x00"sv));  // 0 in two bytes
  CHECK(refused("\xFF\x80\x00more"sv));
  CHECK(refused("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"sv));      // 65 bits
  CHECK(refused("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"sv));  // 71 bits
}

TEST_CASE("numbers near zero are short, whatever their sign") {
  const int64_t numbers[] = {0, -1, 1, -64, 63, -65, INT64_MIN, INT64_MAX};
  RowWriter row;
  for (const int64_t number : numbers) row.zigzag(number);
  CHECK(row.bytes().size() == 1 + 1 + 1 + 1 + 1 + 2 + 10 + 10);
  RowReader reader(as_byte_span(row.bytes()));
  for (const int64_t number : numbers) CHECK(reader.zigzag() == number);
  CHECK(reader.done());
}

}  // namespace
}  // namespace cairn::storage
