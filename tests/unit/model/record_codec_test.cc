#include "model/record_codec.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <record.capnp.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <iostream>
#include <random>

#include "support/awkward_occurrence.h"

namespace cairn::model {
namespace {

using Random = std::mt19937_64;

Result<std::vector<Record>> decode(std::span<const std::byte> payload, uint32_t count) {
  std::vector<Record> records;
  CAIRN_TRY(decode_records(payload, count, [&records](Record&& record) -> Result<void> {
    records.push_back(record);
    return {};
  }));
  return records;
}

RecordBody random_body(Random& random) {
  const auto number = [&random] { return static_cast<uint32_t>(random()); };
  const ProjectId project{random()};
  switch (random() % 12) {
    case 0: {
      StoreCreated created;
      for (auto& byte : created.store_id.bytes) byte = static_cast<uint8_t>(random());
      return created;
    }
    case 1: {
      ProjectChanged changed{project, {}, {}};
      if (random() % 2) changed.slug = testing::random_text(random, 5);
      if (random() % 2) changed.policy = static_cast<FingerprintPolicy>(random() % 2);
      return changed;
    }
    case 2: {
      TypesChanged changed;
      if (random() % 2) changed.strict = random() % 2 == 0;
      for (size_t i = random() % 3; i > 0; --i) {
        changed.set.push_back({number(), testing::random_text(random, 6),
                               static_cast<uint16_t>(random()), static_cast<uint16_t>(random()),
                               static_cast<uint8_t>(random()), number(), random() % 2 == 0,
                               random() % 2 == 0, random() % 2 == 0, random() % 2 == 0, number()});
      }
      return changed;
    }
    case 3:
      return StatusChanged{project, number(), static_cast<Status>(random() % 3),
                           static_cast<Substatus>(random() % 8)};
    case 4:
      return Merged{project, number(), std::vector<uint32_t>(random() % 9, number())};
    case 5:
      return Unmerged{project, number(), std::vector<uint32_t>(random() % 9, number())};
    case 6:
      return Assigned{project, number(), testing::random_text(random, 5)};
    case 7:
      return ActivityAdded{project, number(), "note", testing::random_json(random, 3)};
    case 8:
      return NothingChanged{};
    default:
      return testing::awkward_occurrence(random);
  }
}

Record random_record(Random& random) {
  Record record;
  record.time = TimeUs{static_cast<int64_t>(random())};
  record.actor = testing::random_text(random, 6);
  if (random() % 2) record.key = {random(), random()};
  record.body = random_body(random);
  return record;
}

std::vector<Record> random_records(Random& random, size_t count) {
  std::vector<Record> records;
  while (records.size() < count) records.push_back(random_record(random));
  return records;
}

// The smallest frame with one record of the body that `fill` makes.
template <class F>
std::vector<std::byte> frame_with(F&& fill) {
  capnp::MallocMessageBuilder message;
  auto records = message.initRoot<schema::Frame>().initRecords(1);
  fill(records[0]);
  const auto words = capnp::messageToFlatArray(message);
  std::vector<std::byte> payload(words.asBytes().size());
  std::memcpy(payload.data(), words.begin(), payload.size());
  return payload;
}

void check_corrupt(std::span<const std::byte> payload, uint32_t count = 1) {
  const auto result = decode(payload, count);
  REQUIRE(!result.ok());
  CHECK(result.error().code == ErrorCode::Corruption);
  CHECK_THAT(result.error().message, Catch::Contains("record payload"));
}

}  // namespace

TEST_CASE("records survive encoding and decoding") {
  const uint64_t seed = 5'150;
  std::cout << "record_codec_test: seed " << seed << '\n';
  Random random(seed);
  for (size_t round = 0; round < 200; ++round) {
    const auto records = random_records(random, round % 40);
    const auto payload = encode_records(records);
    REQUIRE(payload.size() % 8 == 0);
    const auto decoded = decode(payload, static_cast<uint32_t>(records.size()));
    INFO((decoded.ok() ? "" : decoded.error().message));
    REQUIRE(decoded.ok());
    REQUIRE(*decoded == records);
    REQUIRE(encode_records(records) == payload);
  }
}

TEST_CASE("odd values of an occurrence are kept, not judged") {
  Record record;
  Occurrence o;
  o.title = "";
  o.level_text = "loud";
  o.priority = -7;
  o.detection_time = -1e300;
  o.fingerprint = {"", std::string("a\0b", 3)};
  record.body = o;
  const auto decoded = decode(encode_records({&record, 1}), 1);
  REQUIRE(decoded.ok());
  CHECK(decoded->front() == record);
}

TEST_CASE("large records and empty frames") {
  CHECK(decode(encode_records({}), 0)->empty());
  Occurrence o;
  o.fingerprint = {"f"};
  o.event = "{\"a\":\"" + std::string(16 << 20, 'x') + "\"}";
  Record record;
  record.body = o;
  const auto decoded = decode(encode_records({&record, 1}), 1);
  REQUIRE(decoded.ok());
  CHECK(decoded->front() == record);
}

TEST_CASE("a frame is one segment, whatever its records") {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<Record> records = random_records(random, 20);
    std::erase_if(records, [](const Record& record) {
      return !std::holds_alternative<Occurrence>(record.body);
    });
    const auto payload = encode_records(records);
    uint32_t more_segments = 0;
    std::memcpy(&more_segments, payload.data(), sizeof(more_segments));
    CHECK(more_segments == 0);
  }
}

TEST_CASE("the callback may take the record and may stop") {
  Random random(4);
  const auto records = random_records(random, 5);
  const auto payload = encode_records(records);
  size_t seen = 0;
  const auto result = decode_records(payload, 5, [&](Record&& record) -> Result<void> {
    const Record taken = std::move(record);
    CHECK(taken == records[seen]);
    if (++seen == 3) return make_error(ErrorCode::Conflict, "enough");
    return {};
  });
  REQUIRE(!result.ok());
  CHECK(result.error().code == ErrorCode::Conflict);
  CHECK(seen == 3);
}

TEST_CASE("a record of an unknown kind is unsupported, not skipped") {
  auto payload = frame_with([](schema::Record::Builder record) {
    record.initStoreCreated();
    record.setTimeUs(0x1122334455667788);
  });
  // The kind is the only 16-bit number 1 in the record's data section.
  const auto known = frame_with([](schema::Record::Builder record) {
    record.initOccurrence();
    record.setTimeUs(0x1122334455667788);
  });
  size_t changed = 0;
  for (size_t at = 24; at + 1 < 24 + 56 && changed == 0; ++at) {
    if (payload[at] == std::byte{1} && known[at] == std::byte{0}) {
      payload[at] = std::byte{200};
      changed = at;
    }
  }
  REQUIRE(changed != 0);
  const auto result = decode(payload, 1);
  REQUIRE(!result.ok());
  CHECK(result.error().code == ErrorCode::Unsupported);
  CHECK_THAT(result.error().message, Catch::Contains("a record of kind 200"));
}

TEST_CASE("values the schema does not list are corruption") {
  check_corrupt(frame_with([](auto record) { record.initStatusChanged().setStatus(3); }));
  check_corrupt(frame_with([](auto record) { record.initStatusChanged().setSubstatus(8); }));
  check_corrupt(frame_with([](auto record) { record.initProjectChanged().setPolicy(3); }));
  check_corrupt(frame_with([](auto record) { record.initTypesChanged().setStrict(3); }));
}

TEST_CASE("the number of records must be the frame's") {
  Random random(6);
  const auto payload = encode_records(random_records(random, 3));
  CHECK(decode(payload, 3).ok());
  check_corrupt(payload, 2);
  check_corrupt(payload, 4);
}

TEST_CASE("truncated and extended payloads are corruption") {
  Random random(7);
  const auto payload = encode_records(random_records(random, 4));
  for (size_t size = 0; size < payload.size(); size += 8)
    check_corrupt(std::span(payload).first(size), 4);
  check_corrupt(std::span(payload).first(payload.size() - 3), 4);
  auto longer = payload;
  longer.resize(longer.size() + 8);
  check_corrupt(longer, 4);
}

TEST_CASE("damaged payloads are decoded or refused, never worse") {
  const uint64_t seed = 31'337;
  std::cout << "record_codec_test: seed " << seed << '\n';
  Random random(seed);
  for (int round = 0; round < 3000; ++round) {
    auto payload = encode_records(random_records(random, 3));
    for (size_t n = 1 + random() % 3; n > 0; --n)
      payload[random() % payload.size()] = static_cast<std::byte>(random());
    const auto result = decode(payload, 3);
    if (!result.ok()) REQUIRE(result.error().code != ErrorCode::Internal);
  }
}

TEST_CASE("pointers that repeat one text many times are refused") {
  capnp::MallocMessageBuilder message(1 << 15);  // words: all in one segment
  const std::string text(1 << 16, 'x');
  auto occurrence = message.initRoot<schema::Frame>().initRecords(1)[0].initOccurrence();
  auto entries = occurrence.initFingerprint(1000);
  entries.set(0, text);
  const auto words = capnp::messageToFlatArray(message);
  std::vector<uint64_t> copy(words.asBytes().size() / 8);
  std::memcpy(copy.data(), words.begin(), copy.size() * 8);
  // The list's pointers lie one after the other; let each point to the first one's text.
  size_t first = 0;
  while ((copy[first] & 3) != 1 || copy[first] >> 35 != text.size() + 1) ++first;
  for (size_t i = 1; i < 1000; ++i) copy[first + i] = copy[first] - (i << 2);
  check_corrupt(std::as_bytes(std::span(copy)));
}

}  // namespace cairn::model
