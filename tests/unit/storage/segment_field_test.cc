#include "storage/segment_field.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

namespace cairn::storage {
namespace {

constexpr uint32_t kRows = 1000;

// A payload by hand: value 3 -> {5, 9}, value 8 -> {7}, value 5 -> the even ordinals.
struct Payload {
  FieldHeader header{2, 3, 1, 500, 0, 0, {}};
  uint32_t ids[2] = {3, 8};
  uint32_t begins[2] = {0, 2};
  uint32_t ordinals[3] = {5, 9, 7};
  LargeEntry large{5, 500, 0, 0};

  std::vector<std::byte> bytes() {
    Bitmap even;
    for (Ordinal o = 0; o < kRows; o += 2) even.add(o);
    std::vector<std::byte> frozen(even.frozen_bytes());
    even.write_frozen(frozen);
    const auto size = static_cast<uint32_t>(frozen.size());
    if (large.bytes == 0) large.bytes = size;
    if (header.any_bytes == 0) header.any_bytes = size;
    std::vector<std::byte> out;
    const auto append = [&](const auto& value) {
      const auto* at = reinterpret_cast<const std::byte*>(&value);
      out.insert(out.end(), at, at + sizeof value);
    };
    append(header);
    append(ids);
    append(begins);
    append(ordinals);
    append(large);
    out.resize(align_bitmap(out.size()));
    out.insert(out.end(), frozen.begin(), frozen.end());
    return out;
  }
};

TEST_CASE("small and large postings are found") {
  const std::vector<std::byte> bytes = Payload().bytes();
  const auto field = SegmentField::parse(bytes, kRows);
  REQUIRE(field);
  CHECK(field->value_count() == 3);
  CHECK(field->posting(ValueId{3}).to_vector() == std::vector<Ordinal>{5, 9});
  CHECK(field->posting(ValueId{8}).to_vector() == std::vector<Ordinal>{7});
  CHECK(field->posting(ValueId{5}).cardinality() == 500);
  CHECK(field->posting(ValueId{4}).empty());
  CHECK(field->posting_cardinality(ValueId{3}) == 2);
  CHECK(field->posting_cardinality(ValueId{5}) == 500);
  CHECK(field->posting_cardinality(ValueId{9}) == 0);
  CHECK(field->any().cardinality() == 500);
  std::vector<uint32_t> values;
  field->for_each_value([&](ValueId value, const Bitmap&) {
    values.push_back(raw(value));
    return true;
  });
  CHECK(values == std::vector<uint32_t>{3, 5, 8});
}

TEST_CASE("arrays that do not fit are refused") {
  Payload payload;
  const std::vector<std::byte> good = payload.bytes();
  CHECK_FALSE(SegmentField::parse(std::span(good).first(31), kRows));
  CHECK_FALSE(SegmentField::parse(good, 499));  // more occurrences with a value than there are
  for (uint32_t FieldHeader::*count :
       {&FieldHeader::small_values, &FieldHeader::small_ordinals, &FieldHeader::large_values,
        &FieldHeader::any_offset, &FieldHeader::any_bytes}) {
    for (const uint32_t wrong : {1100u, 0x40000000u, UINT32_MAX}) {
      Payload damaged;
      damaged.header.*count = wrong;
      CHECK_FALSE(SegmentField::parse(damaged.bytes(), kRows));
    }
  }
}

TEST_CASE("postings found damaged read as empty") {
  const auto postings = [](Payload damaged) {
    const std::vector<std::byte> bytes = damaged.bytes();
    const auto field = SegmentField::parse(bytes, kRows);
    REQUIRE(field);
    return std::array{field->posting(ValueId{3}).cardinality(),
                      field->posting(ValueId{8}).cardinality(),
                      field->posting(ValueId{5}).cardinality()};
  };
  using Counts = std::array<uint64_t, 3>;
  Payload payload;
  CHECK(postings(payload) == Counts{2, 1, 500});
  payload.ordinals[0] = 9;  // a repeat
  CHECK(postings(payload) == Counts{0, 1, 500});
  payload = Payload();
  payload.ordinals[2] = kRows;  // outside
  CHECK(postings(payload) == Counts{2, 0, 500});
  payload = Payload();
  payload.begins[1] = 4;  // past the ordinals
  CHECK(postings(payload) == Counts{0, 0, 500});
  payload = Payload();
  payload.large.offset = 32;
  CHECK(postings(payload) == Counts{2, 1, 0});
  payload = Payload();
  payload.large.bytes = UINT32_MAX;
  CHECK(postings(payload) == Counts{2, 1, 0});
}

}  // namespace
}  // namespace cairn::storage
