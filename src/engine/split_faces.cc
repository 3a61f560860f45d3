#include "engine/split_faces.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "model/rules.h"

namespace cairn::engine {
namespace {

constexpr size_t kTitlesLookedAt = 100;

// Newest first, at most kTitlesLookedAt.
std::vector<Lsn> newest(const storage::Part& part, std::span<const FingerprintId> of) {
  std::vector<Lsn> lsns;
  for (const FingerprintId fingerprint : of) {
    part.for_each_of(fingerprint, nullptr,
                     [&](Ordinal ordinal) { lsns.push_back(part.lsn(ordinal)); });
  }
  const size_t count = std::min(lsns.size(), kTitlesLookedAt);
  std::partial_sort(lsns.begin(), lsns.begin() + static_cast<ptrdiff_t>(count), lsns.end(),
                    std::greater<>());
  lsns.resize(count);
  return lsns;
}

Result<model::Occurrence> occurrence_at(RecordLog& log, const storage::ReadTxn* txn, Lsn lsn) {
  CAIRN_TRY_ASSIGN(model::Record found, log.read(lsn, txn));
  auto* occurrence = std::get_if<model::Occurrence>(&found.body);
  if (occurrence != nullptr) return std::move(*occurrence);
  return make_error(
      ErrorCode::Corruption,
      fmt::format("the index takes record {} for an occurrence: run 'cairn rebuild'", raw(lsn)));
}

}  // namespace

Result<std::optional<model::Face>> newest_face(std::span<const storage::Part* const> parts,
                                               RecordLog& log, const storage::ReadTxn* txn,
                                               std::span<const FingerprintId> of) {
  std::optional<model::Face> face;
  // Parts follow one another in the log: the newest that has one has the newest.
  for (size_t i = parts.size(); i > 0 && !face; --i) {
    for (const Lsn lsn : newest(*parts[i - 1], of)) {
      CAIRN_TRY_ASSIGN(const model::Occurrence seen, occurrence_at(log, txn, lsn));
      if (!face) face = model::Face{"", seen.culprit.value_or(""), seen.level()};
      face->title = seen.title.value_or("");
      if (!model::placeholder_title(face->title)) break;
    }
  }
  if (face && model::placeholder_title(face->title)) {
    face->title = face->culprit.empty() ? model::kUntitled : std::string_view(face->culprit);
  }
  return face;
}

Result<void> add_faces(const model::State& state, std::span<const storage::Part* const> parts,
                       RecordLog& log, const storage::ReadTxn* txn, model::Split& split) {
  const std::set<std::string_view> named(split.fingerprints.begin(), split.fingerprints.end());
  std::vector<FingerprintId> part;
  std::vector<FingerprintId> rest;
  for (const FingerprintId id : state.find_group(split.project, split.number)->fingerprints) {
    (named.contains(state.fingerprint(id).value) ? part : rest).push_back(id);
  }
  CAIRN_TRY_ASSIGN(auto part_face, newest_face(parts, log, txn, part));
  if (part_face) split.part_face = *std::move(part_face);
  CAIRN_TRY_ASSIGN(auto rest_face, newest_face(parts, log, txn, rest));
  if (rest_face) split.rest_face = *std::move(rest_face);
  return {};
}

}  // namespace cairn::engine
