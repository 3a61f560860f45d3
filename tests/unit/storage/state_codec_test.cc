#include "storage/state_codec.h"

#include <catch2/catch.hpp>
#include <functional>

#include "storage/coding.h"
#include "storage/state_row.h"
#include "storage_fixture.h"

namespace cairn::storage {
namespace {

using testing::code_of;
using testing::must;

model::Group full_group() {
  model::Group group;
  group.id = GroupId{77};
  group.project = ProjectId{uint64_t{1} << 62};
  group.number = 12;
  group.type = 6001;
  group.level = model::Level::Sample;
  group.priority = 75;
  group.priority_locked = true;
  group.status = model::Status::Ignored;
  group.substatus = model::Substatus::New;
  group.title = std::string("zero\0byte", 9);
  group.culprit = "shop.checkout";
  group.assignee = "team:4";
  group.first_seen = TimeUs{-1};
  group.last_seen = TimeUs{INT64_MAX};
  group.times_seen = UINT64_MAX;
  group.status_since = TimeUs{INT64_MIN};
  group.created = Lsn{5};
  group.parent = GroupId{3};
  group.merged_at = Lsn{UINT64_MAX};
  group.split_from = GroupId{70};
  group.children = {GroupId{9}, GroupId{4}};
  group.fingerprints = {FingerprintId{1}, FingerprintId{UINT32_MAX}};
  return group;
}

CheckpointMeta full_meta() {
  CheckpointMeta meta;
  meta.fold_version = model::kFoldVersion;
  meta.terms_version = model::kTermsVersion;
  meta.store_id.bytes[5] = 9;
  meta.applied = Lsn{100};
  meta.acknowledged = Lsn{120};
  meta.resume = {64, 4096};
  meta.last_time = TimeUs{1'700'000'000'123'456};
  meta.next_segment = 8;
  meta.index_bytes_written = uint64_t{1} << 40;
  meta.base = Lsn{3};
  return meta;
}

// Every flipped byte and every other length is refused.
void check_damage(const std::string& row, const std::function<bool(const std::string&)>& decodes) {
  REQUIRE(decodes(row));
  for (size_t i = 0; i < row.size(); ++i) {
    std::string damaged = row;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
    REQUIRE_FALSE(decodes(damaged));
    REQUIRE_FALSE(decodes(row.substr(0, i)));
  }
  REQUIRE_FALSE(decodes(row + '\0'));
}

TEST_CASE("groups read back, damaged ones do not") {
  const model::Group group = full_group();
  const std::string row = encode_group(group);
  GroupRow decoded;
  must(decode_group(group.id, as_byte_span(row), decoded));
  decoded.group.title = decoded.title;
  decoded.group.culprit = decoded.culprit;
  CHECK(decoded.group == group);
  CHECK(code_of(decode_group(GroupId{78}, as_byte_span(row), decoded)) == ErrorCode::Corruption);
  check_damage(row, [&](const std::string& bytes) {
    return decode_group(group.id, as_byte_span(bytes), decoded).ok();
  });
}

TEST_CASE("values out of range are refused though the checksum is right") {
  model::Group group = full_group();
  GroupRow row;
  group.status = static_cast<model::Status>(3);
  CHECK(code_of(decode_group(group.id, as_byte_span(encode_group(group)), row)) ==
        ErrorCode::Corruption);
  group = full_group();
  group.substatus = static_cast<model::Substatus>(8);
  CHECK(code_of(decode_group(group.id, as_byte_span(encode_group(group)), row)) ==
        ErrorCode::Corruption);
  group = full_group();
  group.level = static_cast<model::Level>(6);
  CHECK(code_of(decode_group(group.id, as_byte_span(encode_group(group)), row)) ==
        ErrorCode::Corruption);
}

TEST_CASE("fingerprints read back, damaged ones do not") {
  model::Fingerprint fingerprint;
  fingerprint.id = FingerprintId{9};
  fingerprint.project = ProjectId{4};
  fingerprint.value = "d41d8cd98f00b204e9800998ecf8427e";
  fingerprint.leaf = GroupId{2};
  fingerprint.occurrences = 1000;
  fingerprint.first_seen = TimeUs{INT64_MIN};
  fingerprint.last_seen = TimeUs{7};
  fingerprint.membership = {1, UINT64_MAX};
  fingerprint.first_release = "shop@1.2.3";
  const std::string row = encode_fingerprint(fingerprint);
  CHECK(must(decode_fingerprint(fingerprint.id, as_byte_span(row))) == fingerprint);
  check_damage(row, [&](const std::string& bytes) {
    return decode_fingerprint(fingerprint.id, as_byte_span(bytes)).ok();
  });
}

// The row without its last `bytes` before the checksum, which fits again.
std::string cut(const std::string& row, size_t bytes, Row kind, uint64_t id) {
  std::string body = row.substr(0, row.size() - sizeof(uint64_t) - bytes);
  RowWriter sum;
  sum.integer(checksum(body, kind, id));
  return body + sum.bytes();
}

TEST_CASE("rows of a base of fold version 3 know no releases") {
  model::Fingerprint fingerprint;
  fingerprint.id = FingerprintId{9};
  fingerprint.value = "f";
  fingerprint.occurrences = 3;
  const std::string row = encode_fingerprint(fingerprint);
  const auto old = decode_fingerprint(
      fingerprint.id, as_byte_span(cut(row, sizeof(uint32_t), Row::Fingerprint, 9)));
  CHECK(must(old) == fingerprint);
  CHECK_FALSE(decode_fingerprint(fingerprint.id,
                                 as_byte_span(cut(row, sizeof(uint32_t) - 1, Row::Fingerprint, 9)))
                  .ok());
  model::Care care;
  care.id = GroupId{12};
  care.reopened = {{GroupId{3}, Lsn{99}, TimeUs{4}, true, ""}};
  const std::string kept = encode_care(care.id, care);
  CHECK(must(decode_care(care.id, as_byte_span(cut(kept, 2 * sizeof(uint32_t), Row::Care, 12)))) ==
        care);
  CHECK_FALSE(decode_care(care.id, as_byte_span(cut(kept, sizeof(uint32_t), Row::Care, 12))).ok());
}

TEST_CASE("projects, types and the registry read back, damaged ones do not") {
  model::Project project{ProjectId{3}, "shop", model::FingerprintPolicy::Known, 41};
  project.auto_resolve_hours = 72;
  project.escalation_threshold = 9;
  project.hold_back = true;
  project.made = {{1, -5, 2}, {6001, 28'000'000, 1}};
  std::string row = encode_project(project);
  CHECK(must(decode_project(project.id, as_byte_span(row))) == project);
  check_damage(row, [&](const std::string& bytes) {
    return decode_project(project.id, as_byte_span(bytes)).ok();
  });

  model::GroupType type;
  type.id = 9001;
  type.slug = "log-line";
  type.category = 3;
  type.category_v2 = 4;
  type.default_priority = 25;
  type.noise_limit = 10;
  type.auto_resolve = false;
  type.quota_per_hour = 77;
  row = encode_type(type);
  CHECK(must(decode_type(type.id, as_byte_span(row))) == type);
  check_damage(row, [&](const std::string& bytes) {
    return decode_type(type.id, as_byte_span(bytes)).ok();
  });

  Registry registry;
  registry.store_id.bytes[0] = 3;
  registry.strict_types = true;
  row = encode_registry(registry);
  CHECK(must(decode_registry(as_byte_span(row))).store_id == registry.store_id);
  CHECK(must(decode_registry(as_byte_span(row))).strict_types);
  check_damage(row,
               [](const std::string& bytes) { return decode_registry(as_byte_span(bytes)).ok(); });
}

TEST_CASE("what lies beside groups and fingerprints reads back, damaged it does not") {
  model::Care care;
  care.id = GroupId{12};
  care.snooze =
      model::Snooze{{TimeUs{5}, 1, 2, 3, 4}, 7, {TimeUs{-1}, TimeUs{8}}, {{9, TimeUs{3}}}};
  care.resolution = model::Resolution{model::ResolutionKind::InCommit, "c0ffee"};
  care.forecast = model::Forecast{TimeUs{6}, {1, UINT32_MAX}, -3, 17};
  care.reopened = {{GroupId{3}, Lsn{99}, TimeUs{4}, true, "1.2"},
                   {GroupId{4}, Lsn{98}, TimeUs{5}, false, ""}};
  care.regressed_in = {"1.9", "1.10"};
  care.notes = {{1, "ada", "it is\nthe cache", TimeUs{2}, TimeUs{}},
                {4, "", "x", TimeUs{3}, TimeUs{9}}};
  care.last_note = 4;
  care.bookmarked_by = {"team:2", "user:1"};
  care.subscribed_by = {"user:7"};
  care.seen = {{"user:1", TimeUs{70}}};
  care.links = {{"https://tracker/1", "one"}, {"https://tracker/2", ""}};
  std::string row = encode_care(care.id, care);
  CHECK(must(decode_care(care.id, as_byte_span(row))) == care);
  check_damage(row, [&](const std::string& bytes) {
    return decode_care(care.id, as_byte_span(bytes)).ok();
  });
  model::Care none;
  none.id = GroupId{5};
  CHECK(must(decode_care(none.id, as_byte_span(encode_care(none.id, none)))).empty());

  const model::Held held{FingerprintId{8}, 3, TimeUs{44}};
  row = encode_held(held);
  CHECK(must(decode_held(held.id, as_byte_span(row))) == held);
  check_damage(row, [&](const std::string& bytes) {
    return decode_held(held.id, as_byte_span(bytes)).ok();
  });

  const model::Release release{ProjectId{3}, 7, "shop@1.0", TimeUs{5}, {"a", "b"}};
  row = encode_release(release);
  CHECK(must(decode_release(release.project, release.number, as_byte_span(row))) == release);
  CHECK(code_of(decode_release(release.project, 8, as_byte_span(row))) == ErrorCode::Corruption);
  check_damage(row, [&](const std::string& bytes) {
    return decode_release(release.project, release.number, as_byte_span(bytes)).ok();
  });
}

TEST_CASE("the meta row reads back, damaged ones do not") {
  const CheckpointMeta meta = full_meta();
  const std::string row = encode_meta(meta);
  const CheckpointMeta read = must(decode_meta(as_byte_span(row)));
  CHECK(read == meta);  // every field
  CHECK(encode_meta(read) == row);
  check_damage(row, [](const std::string& bytes) { return decode_meta(as_byte_span(bytes)).ok(); });
}

TEST_CASE("other versions are Unsupported and say rebuild") {
  const auto check = [](CheckpointMeta meta, const char* what) {
    const auto result = decode_meta(as_byte_span(encode_meta(meta)));
    CHECK(code_of(result) == ErrorCode::Unsupported);
    CHECK(result.error().message.find(what) != std::string::npos);
    CHECK(result.error().message.find("rebuild") != std::string::npos);
  };
  CheckpointMeta meta = full_meta();
  meta.index_format = kIndexFormatVersion + 1;
  check(meta, "format");
  meta = full_meta();
  meta.fold_version = model::kFoldVersion + 1;
  check(meta, "fold version");
  meta = full_meta();
  meta.terms_version = model::kTermsVersion + 1;
  check(meta, "terms version");
}

}  // namespace
}  // namespace cairn::storage
