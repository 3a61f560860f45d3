#include "model/record_codec.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <record.capnp.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
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

Face random_face(Random& random) {
  return {testing::random_text(random, 9), testing::random_text(random, 5),
          static_cast<Level>(random() % 6)};
}

StatusChanged random_status_change(Random& random, ProjectId project, uint32_t number) {
  const auto any = [&random] { return static_cast<uint32_t>(random()); };
  StatusChanged change{project, number, static_cast<Status>(random() % 3),
                       static_cast<Substatus>(random() % 8)};
  if (random() % 2) {
    change.snooze = {TimeUs{static_cast<int64_t>(random())}, any(), any(), any(), any()};
  }
  change.resolution = {static_cast<ResolutionKind>(random() % 4), testing::random_text(random, 6)};
  change.forecast.resize(random() % 15, any());
  return change;
}

template <class Link>
std::vector<Link> random_links(Random& random) {
  std::vector<Link> links(random() % 4);
  const auto number = [&random] { return std::max<uint32_t>(1, static_cast<uint32_t>(random())); };
  for (Link& link : links) {
    link = {ProjectId{random()}, number(), {}};
    for (size_t i = 1 + random() % 5; i > 0; --i) link.children.push_back(number());
  }
  return links;
}

RecordBody random_regrouping(Random& random) {
  switch (random() % 4) {
    case 0:
      return ExperimentMade{testing::random_text(random, 5), Lsn{random()}};
    case 1:
      return ExperimentAdded{testing::random_text(random, 5), testing::random_text(random, 9),
                             random_links<Unmerged>(random), random_links<Merged>(random)};
    case 2:
      return ExperimentDropped{testing::random_text(random, 5)};
    default:
      return Regrouped{static_cast<RegroupCause>(random() % 3), testing::random_text(random, 9),
                       random_links<Unmerged>(random), random_links<Merged>(random)};
  }
}

RecordBody random_workflow(Random& random, ProjectId project) {
  const auto number = [&random] { return static_cast<uint32_t>(random()); };
  switch (random() % 6) {
    case 0: {
      ReleaseChanged changed{project, testing::random_text(random, 9), {}, {}};
      if (random() % 2) changed.date = TimeUs{static_cast<int64_t>(random())};
      for (size_t i = random() % 3; i > 0; --i) {
        changed.commits.push_back(testing::random_text(random, 8));
      }
      return changed;
    }
    case 1: {
      Ticked ticked;
      for (size_t i = random() % 3; i > 0; --i) {
        ticked.forecasts.push_back({project, number(), std::vector<uint32_t>(random() % 15, 7)});
      }
      return ticked;
    }
    case 2:
      return NoteChanged{project, number(), static_cast<NoteChange>(random() % 3), number(),
                         testing::random_text(random, 20)};
    case 3:
      return AttentionChanged{project, number(), static_cast<Attention>(random() % 4),
                              testing::random_text(random, 6), random() % 2 == 0};
    case 4:
      return LinkChanged{project, number(), testing::random_text(random, 20),
                         testing::random_text(random, 6), random() % 2 == 0};
    default:
      return StandingChanged{project, number(), static_cast<Standing>(random() % 3)};
  }
}

std::optional<double> random_number(Random& random) {
  if (random() % 3 == 0) return std::nullopt;
  return static_cast<double>(random()) / 7;
}

RecordBody random_alert(Random& random) {
  const auto number = [&random] { return static_cast<uint32_t>(random()); };
  switch (random() % 5) {
    case 0:
      return AlertRuleChanged{number(), testing::random_text(random, 40)};
    case 1:
      return AlertStatusChanged{std::vector<uint32_t>(random() % 4, number()),
                                static_cast<uint8_t>(random() % 5)};
    case 2: {
      AlertsTicked ticked{TimeUs{static_cast<int64_t>(random())}, {}, random() % 2 == 0};
      for (size_t i = random() % 4; i > 0; --i) {
        AlertsTicked::Value value{number(), testing::random_text(random, 6), random_number(random),
                                  random_number(random), random() % 4 == 0};
        if (value.incomplete) value.value.reset();
        ticked.values.push_back(std::move(value));
      }
      return ticked;
    }
    case 3: {
      AlertFired fired{number(), ProjectId{random()}, number(), static_cast<uint8_t>(random() % 3),
                       std::nullopt};
      if (random() % 2) {
        fired.occurrence.emplace();
        for (uint8_t& byte : fired.occurrence->bytes) byte = static_cast<uint8_t>(random());
      }
      return fired;
    }
    default:
      return IncidentChanged{number(), static_cast<IncidentChange>(random() % 3),
                             testing::random_text(random, 9)};
  }
}

RecordBody random_body(Random& random) {
  const auto number = [&random] { return static_cast<uint32_t>(random()); };
  const ProjectId project{random()};
  switch (random() % 28) {
    case 0: {
      StoreCreated created;
      for (auto& byte : created.store_id.bytes) byte = static_cast<uint8_t>(random());
      return created;
    }
    case 1: {
      ProjectChanged changed{project, {}, {}};
      if (random() % 2) changed.slug = testing::random_text(random, 5);
      if (random() % 2) changed.policy = static_cast<FingerprintPolicy>(random() % 2);
      if (random() % 2) changed.auto_resolve_hours = number();
      if (random() % 2) changed.escalation_threshold = random() % 2 ? 0 : UINT32_MAX;
      if (random() % 2) changed.hold_back = random() % 2 == 0;
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
      return random_status_change(random, project, number());
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
    case 9:
      return ViewMade{project, number(), testing::random_text(random, 9),
                      std::vector<uint32_t>(random() % 9, number())};
    case 10: {
      Split split{project, number(), number(), {}, random_face(random), random_face(random)};
      for (size_t i = random() % 4; i > 0; --i) {
        split.fingerprints.push_back(testing::random_text(random, 8));
      }
      return split;
    }
    case 12:
      return PriorityChanged{project, number(), static_cast<uint8_t>(25 * (1 + random() % 3)),
                             random() % 2 == 0};
    case 20:
    case 21:
    case 22:
    case 23:
      return random_regrouping(random);
    case 11:
      return Rejoined{project, number(), number()};
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
      return random_workflow(random, project);
    default:
      return testing::awkward_occurrence(random);
  }
}

Record random_record(Random& random) {
  Record record;
  record.time = TimeUs{static_cast<int64_t>(random())};
  record.actor = testing::random_text(random, 6);
  if (random() % 2) record.key = {random(), random()};
  record.body = random() % 10 == 0 ? random_alert(random) : random_body(random);
  return record;
}

std::vector<Record> random_records(Random& random, size_t count) {
  std::vector<Record> records;
  while (records.size() < count) records.push_back(random_record(random));
  return records;
}

// A payload without occurrences: two numbers, a gap of none before each record, the message.
std::vector<std::byte> payload_of(capnp::MessageBuilder& message, uint8_t count) {
  std::vector<std::byte> payload(2 + count);
  payload[1] = std::byte{count};
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = std::as_bytes(std::span(words.asBytes().begin(), words.asBytes().size()));
  payload.insert(payload.end(), bytes.begin(), bytes.end());
  return payload;
}
constexpr size_t kMessageAt = 3;  // with one record

// The smallest frame with one record of the body that `fill` makes.
template <class F>
std::vector<std::byte> frame_with(F&& fill) {
  capnp::MallocMessageBuilder message;
  auto records = message.initRoot<schema::Frame>().initRecords(1);
  fill(records[0]);
  return payload_of(message, 1);
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

// A reader visits each word once: twice would be over the limit that open() sets.
TEST_CASE("records with long lists are read back") {
  Record tick;
  AlertsTicked ticked{TimeUs{60'000'000}, {}, false};
  for (uint32_t n = 1; n <= 5000; ++n) ticked.values.push_back({n, "key", 1.5, 2.5, false});
  tick.body = ticked;
  Record status;
  status.body = AlertStatusChanged{std::vector<uint32_t>(10'000, 7), 0};
  std::vector<Record> records{tick, status};
  for (uint32_t n = 1; n <= 2000; ++n) {
    records.emplace_back().body = AlertRuleChanged{n, "{}"};
    records.emplace_back().body = IncidentChanged{n, IncidentChange::Commented, "c"};
    records.emplace_back().body = AlertFired{n, ProjectId{1}, n, 0, Uuid{}};
  }
  const auto decoded = decode(encode_records(records), static_cast<uint32_t>(records.size()));
  INFO((decoded.ok() ? "" : decoded.error().message));
  REQUIRE(decoded.ok());
  CHECK(*decoded == records);
}

TEST_CASE("an encoder used again gives the same bytes as a new one") {
  Random random(3);
  RecordEncoder encoder;
  for (int round = 0; round < 50; ++round) {
    const std::vector<Record> records = random_records(random, 20);
    const auto payload = encoder.encode(records);
    REQUIRE(std::ranges::equal(payload, encode_records(records)));
    size_t ids = 0;
    for (const Record& record : records) {
      const auto* o = std::get_if<Occurrence>(&record.body);
      if (o != nullptr) ids += o->event_id ? 2 : 1;
    }
    REQUIRE(encoder.plain_bytes() == ids * sizeof(Uuid));
  }
}

// The bytes of one small frame: a change here is a change of format (docs/format.md).
TEST_CASE("the payload of a frame, byte for byte") {
  Occurrence o;
  o.id.bytes.fill(0x11);
  o.event_id.emplace().bytes.fill(0xab);
  o.project = ProjectId{300};
  o.fingerprint = {"f", "g"};
  o.title = "T";
  o.type = 1;
  o.detection_time = 1.5;
  o.event = R"({"event_id":"abababababababababababababababab","timestamp":1.5})";
  const std::vector<Record> records = {{TimeUs{3}, "", {}, o}};
  std::string hex;
  for (const std::byte b : encode_records(records)) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<uint8_t>(b) >> 4];
    hex += kDigits[static_cast<uint8_t>(b) & 15];
  }
  // clang-format off
  CHECK(hex ==
        "0100"                    // occurrences, others
        "0101"                    // event ids, whole milliseconds
        "0102020100010200010100"  // bytes of the columns
        "0100" "0101" "0101" "0101" "0000" "0000" "0000"  // bytes of lengths and texts
        "0000" "0000" "0100" "0100" "011c" "0100"
        "06" "8918" "ac02" "01" "02" "b817" "0d" "3b"  // columns
        "00" "0166" "0167" "0154" "00" "00" "1c"       // lengths and texts
        "7b226576656e745f6964223a22222c2274696d657374616d70223a7d"
        "00"
        "abababababababababababababababab"
        "11111111111111111111111111111111");
  // clang-format on
}

TEST_CASE("ids and times are left out of an event wherever they stand, and come back") {
  Occurrence o;
  o.event_id = parse_uuid("00112233445566778899aabbccddeeff");
  o.fingerprint = {"f"};
  const std::string id = "00112233445566778899aabbccddeeff";
  for (const double time : {0.0, -0.0, 1.0, 1790899201.314, 1790899201.000001, 1e-7, 0.1 + 0.2,
                            253402300799.999, 1e13, -1.5}) {
    o.detection_time = time;
    for (const std::string& event :
         {std::string("{}"), id, "{\"event_id\":\"" + id + "\"}",
          "{\"timestamp\":1790899201.314,\"event_id\":\"" + id + "\",\"timestamp\":1}",
          "{\"timestamp\":1790899201.3140,\"x\":\"" + id + id + "\"}",
          std::string("{\"timestamp\":1790899201.31}"), std::string("{\"timestamp\":"),
          "{\"timestamp\":" + id + "}", std::string(5000, ' ') + id, std::string(4080, ' ') + id,
          std::string("{\"timestamp\":0}"), std::string("{\"timestamp\":1790899201.000001}"),
          std::string("{\"timestamp\":1}")}) {
      o.event = event;
      const Record record{TimeUs{1}, "", {}, o};
      const auto decoded = decode(encode_records({&record, 1}), 1);
      REQUIRE(decoded.ok());
      REQUIRE(decoded->front() == record);
      const auto& back = std::get<Occurrence>(decoded->front().body);
      REQUIRE(std::signbit(back.detection_time) == std::signbit(time));
    }
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
    record.initProjectChanged();
    record.setTimeUs(0x1122334455667788);
  });
  // The kind is the first byte of the record that differs.
  const auto known = frame_with([](schema::Record::Builder record) {
    record.setNothingChanged();
    record.setTimeUs(0x1122334455667788);
  });
  size_t changed = 0;
  for (size_t at = kMessageAt + 24; at < kMessageAt + 24 + 56 && changed == 0; ++at) {
    if (payload[at] == std::byte{1} && known[at] == std::byte{8}) {
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
  check_corrupt(frame_with([](auto record) { record.initAlertStatusChanged().setStatus(5); }));
  check_corrupt(frame_with([](auto record) { record.initIncidentChanged().setChange(3); }));
}

// Found by fuzzing: NaN is neither above nor below a threshold.
TEST_CASE("values of a tick that are not finite are corruption") {
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    check_corrupt(frame_with(
        [&](auto record) { record.initAlertsTicked().initValues(1)[0].setValue(value); }));
    check_corrupt(frame_with([&](auto record) {
      auto values = record.initAlertsTicked().initValues(1);
      values[0].setHasBase(true);
      values[0].setBase(value);
    }));
  }
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
  for (size_t size = 0; size < payload.size(); ++size)
    check_corrupt(std::span(payload).first(size), 4);
  auto longer = payload;
  for (int i = 0; i < 16; ++i) {
    longer.push_back(std::byte{0});
    check_corrupt(longer, 4);
  }
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
  auto types = message.initRoot<schema::Frame>().initRecords(1)[0].initTypesChanged().initSet(1000);
  types[0].setSlug(text);
  for (uint32_t i = 1; i < 1000; ++i) types[i].setSlug("y");
  auto payload = payload_of(message, 1);
  // Let each slug's pointer point to the first one's text.
  std::vector<uint64_t> words((payload.size() - kMessageAt) / 8);
  std::memcpy(words.data(), payload.data() + kMessageAt, words.size() * 8);
  size_t first = 0;
  while ((words[first] & 3) != 1 || words[first] >> 35 != text.size() + 1) ++first;
  uint64_t pointers = 1;
  for (size_t at = first + 1; pointers < 1000; ++at) {
    if ((words[at] & 3) != 1 || words[at] >> 35 != 2) continue;
    words[at] = words[first] - ((at - first) << 2);
    ++pointers;
  }
  std::memcpy(payload.data() + kMessageAt, words.data(), words.size() * 8);
  check_corrupt(payload);
}

}  // namespace cairn::model
