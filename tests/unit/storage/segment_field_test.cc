#include "storage/segment_field.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "storage/segment_field_builder.h"

namespace cairn::storage {
namespace {

constexpr uint32_t kRows = 1000;
using Postings = std::map<uint32_t, std::vector<Ordinal>>;

// Value 3 -> {5, 9}, 8 -> {7}: small lists. 5 -> the even ordinals: a bitmap. 6 -> one run of 40,
// which is sparse and far smaller as a list.
Postings sample() {
  Postings postings{{3, {5, 9}}, {8, {7}}, {5, {}}, {6, {}}};
  for (Ordinal o = 0; o < kRows; o += 2) postings[5].push_back(o);
  for (Ordinal o = 600; o < 640; ++o) postings[6].push_back(o);
  return postings;
}

std::vector<std::byte> build(const Postings& postings) {
  uint64_t terms = 0;
  std::vector<bool> with(kRows);
  for (const auto& [value, ordinals] : postings) {
    terms += ordinals.size();
    for (const Ordinal o : ordinals) with[o] = true;
  }
  const auto occurrences = static_cast<uint32_t>(std::count(with.begin(), with.end(), true));
  FieldBuilder builder({FieldId{9}, kRows, occurrences, terms, postings.size()});
  for (const auto& [value, ordinals] : postings) builder.add(ValueId{value}, ordinals);
  auto payload = builder.finish();
  REQUIRE(payload.ok());
  return std::move(payload).value();
}

// Where the parts of a payload begin.
struct Places {
  explicit Places(const std::vector<std::byte>& payload) {
    FieldHeader header;
    std::memcpy(&header, payload.data(), sizeof header);
    const auto rest = std::span(payload).subspan(sizeof header);
    const auto ids = PackedColumn::parse(rest, header.small_values);
    const auto ends = PackedColumn::parse(rest.subspan(ids->bytes()), header.small_values);
    large = sizeof header + ids->bytes() + ends->bytes();
    lists = large + header.large_values * sizeof(LargeEntry);
    bitmaps = align_bitmap(lists + header.list_bytes);
  }
  size_t large, lists, bitmaps;
};

TEST_CASE("small and large postings are found") {
  const std::vector<std::byte> bytes = build(sample());
  const auto field = SegmentField::parse(bytes, kRows);
  REQUIRE(field);
  CHECK(field->value_count() == 4);
  for (const auto& [value, ordinals] : sample()) {
    CHECK(field->posting(ValueId{value}).to_vector() == ordinals);
    CHECK(field->posting_cardinality(ValueId{value}) == ordinals.size());
  }
  CHECK(field->posting(ValueId{4}).empty());
  CHECK(field->posting_cardinality(ValueId{9}) == 0);
  CHECK(field->any().cardinality() == 500 + 20 + 3);
  CHECK(field->stats() == FieldStats{4, 523, 543, ValueId{3}, ValueId{8}});
  Postings seen, read;
  field->for_each_value([&](ValueId value, const Bitmap& bitmap) {
    seen[raw(value)] = bitmap.to_vector();
    return true;
  });
  CHECK(seen == sample());
  for (SegmentField::Cursor cursor(*field); !cursor.at_end(); cursor.next()) {
    REQUIRE(cursor.read(read[raw(cursor.value())]));
  }
  CHECK(read == sample());
}

TEST_CASE("arrays that do not fit are refused") {
  const std::vector<std::byte> good = build(sample());
  CHECK_FALSE(SegmentField::parse(std::span(good).first(47), kRows));
  CHECK_FALSE(SegmentField::parse(good, 499));  // more occurrences with a value than there are
  for (uint32_t FieldHeader::*count :
       {&FieldHeader::small_values, &FieldHeader::list_bytes, &FieldHeader::large_values,
        &FieldHeader::any_offset, &FieldHeader::any_bytes}) {
    for (const uint32_t wrong : {1100u, 0x40000000u, UINT32_MAX}) {
      std::vector<std::byte> damaged = good;
      FieldHeader header;
      std::memcpy(&header, damaged.data(), sizeof header);
      header.*count = wrong;
      std::memcpy(damaged.data(), &header, sizeof header);
      CHECK_FALSE(SegmentField::parse(damaged, kRows));
    }
  }
}

TEST_CASE("postings found damaged read as empty") {
  const std::vector<std::byte> good = build(sample());
  const Places places(good);
  using Counts = std::array<uint64_t, 4>;
  const auto counts = [](const std::vector<std::byte>& bytes) {
    const auto field = SegmentField::parse(bytes, kRows);
    REQUIRE(field);
    return Counts{
        field->posting(ValueId{3}).cardinality(), field->posting(ValueId{8}).cardinality(),
        field->posting(ValueId{5}).cardinality(), field->posting(ValueId{6}).cardinality()};
  };
  const auto with_entry = [&](size_t index, auto&& change) {
    std::vector<std::byte> bytes = good;
    LargeEntry entry;
    std::byte* at = bytes.data() + places.large + index * sizeof entry;
    std::memcpy(&entry, at, sizeof entry);
    change(entry);
    std::memcpy(at, &entry, sizeof entry);
    return counts(bytes);
  };
  const auto with_list_byte = [&](size_t index, unsigned value) {
    std::vector<std::byte> bytes = good;
    bytes[places.lists + index] = static_cast<std::byte>(value);
    return counts(bytes);
  };
  CHECK(counts(good) == Counts{2, 1, 500, 40});
  CHECK(with_entry(0, [](LargeEntry& e) { e.offset = 32; }) == Counts{2, 1, 0, 40});
  CHECK(with_entry(0, [](LargeEntry& e) { e.bytes = UINT32_MAX; }) == Counts{2, 1, 0, 40});
  CHECK(with_entry(1, [](LargeEntry& e) { e.offset = 1u << 20; }) == Counts{2, 1, 500, 0});
  CHECK(with_entry(1, [](LargeEntry& e) { e.bytes -= 1; }) == Counts{2, 1, 500, 0});
  CHECK(with_list_byte(0, 0xff) == Counts{0, 1, 500, 40});  // the first run is far outside
  CHECK(with_list_byte(2, 0x80) == Counts{2, 0, 500, 40});  // a number without an end
}

// Random fields: every form of posting, with and without a column.
TEST_CASE("what was added is read, and columns agree with postings") {
  const uint64_t seed = GENERATE(1u, 2u, 3u, 4u);
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  for (const uint32_t values : {1u, 4u, 40u, 700u}) {
    constexpr uint32_t kMany = 150'000;
    std::vector<uint32_t> of_row(kMany);
    Postings postings;
    uint32_t value = 0, occurrences = 0;
    for (Ordinal o = 0; o < kMany; ++o) {
      if (seed % 2 == 0 || rng() % 300 == 0 || o == 0)
        value = static_cast<uint32_t>(rng() % values);
      if (seed > 2 && rng() % 3 == 0) continue;
      of_row[o] = 1 + value * value;
      postings[of_row[o]].push_back(o);
      ++occurrences;
    }
    FieldBuilder builder({FieldId{70}, kMany, occurrences, occurrences, postings.size()});
    for (const auto& [id, ordinals] : postings) builder.add(ValueId{id}, ordinals);
    const auto payload = builder.finish();
    REQUIRE(payload.ok());
    const auto field = SegmentField::parse(*payload, kMany);
    REQUIRE(field);
    for (const auto& [id, ordinals] : postings) {
      REQUIRE(field->posting(ValueId{id}).to_vector() == ordinals);
      REQUIRE(field->posting_cardinality(ValueId{id}) == ordinals.size());
    }
    CHECK(field->any().cardinality() == occurrences);
    // Scattered values of middle number have a column, long runs of them do not; runs full of
    // holes are in between.
    if (seed != 3) CHECK(builder.column().empty() == (values <= 4 || seed == 1));
    if (!builder.column().empty()) {
      CHECK(std::equal(of_row.begin(), of_row.end(), builder.column().begin()));
    }
  }
}

}  // namespace
}  // namespace cairn::storage
