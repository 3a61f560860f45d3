#include "alert/digest.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace cairn::alert {
namespace {

constexpr int64_t kHourUs = 3600 * kMicrosPerSecond;
constexpr int64_t kDayUs = 24 * kHourUs;
constexpr int64_t kMostColumns = 30;

// Records of listed issues, by rule and issue.
class Gathering {
 public:
  Gathering(Digest& digest, DigestSource& source) : digest_(digest), source_(source) {}

  void add(const DigestRecord& record) {
    const GroupId id = source_.visible(record.project, record.number);
    if (id == GroupId{}) {
      ++digest_.gone;
      return;
    }
    const auto [known, fresh] = unresolved_.try_emplace(id, false);
    if (fresh) known->second = source_.unresolved(id);
    if (!known->second) {
      ++digest_.not_unresolved;
      return;
    }
    ++digest_.records;
    auto& [name, issues] = rules_[record.rule];
    name = record.rule_name;
    ++issues[id];
  }

  // Issues by group, rules by number, entries by issue.
  void finish() {
    std::map<GroupId, size_t> index;
    for (const auto& [id, unresolved] : unresolved_) {
      if (!unresolved) continue;
      index.emplace(id, digest_.issues.size());
      digest_.issues.push_back(source_.describe(id));
    }
    for (auto& [number, rule] : rules_) {
      DigestRule& out = digest_.rules.emplace_back();
      out.rule = number;
      out.name = std::move(rule.first);
      for (const auto& [id, records] : rule.second) out.entries.push_back({index[id], records});
    }
  }

 private:
  Digest& digest_;
  DigestSource& source_;
  std::map<GroupId, bool> unresolved_;
  std::map<uint32_t, std::pair<std::string, std::map<GroupId, uint64_t>>> rules_;
};

std::vector<GroupId> ids_of(const Digest& digest) {
  std::vector<GroupId> ids;
  for (const DigestIssue& one : digest.issues) ids.push_back(one.id);
  return ids;
}

void sort(Digest& digest) {
  for (DigestRule& rule : digest.rules) {
    std::stable_sort(rule.entries.begin(), rule.entries.end(),
                     [&](const DigestRule::Entry& a, const DigestRule::Entry& b) {
                       const DigestCounts& x = digest.issues[a.issue].counts;
                       const DigestCounts& y = digest.issues[b.issue].counts;
                       return x.events != y.events ? x.events > y.events : x.users > y.users;
                     });
  }
  std::stable_sort(
      digest.rules.begin(), digest.rules.end(),
      [](const DigestRule& a, const DigestRule& b) { return a.entries.size() > b.entries.size(); });
}

Result<void> fill_trends(Digest& digest, size_t shown, DigestSource& source) {
  std::vector<bool> wanted(digest.issues.size());
  for (const DigestRule& rule : digest.rules) {
    for (size_t i = 0; i < std::min(shown, rule.entries.size()); ++i) {
      wanted[rule.entries[i].issue] = true;
    }
  }
  std::vector<GroupId> ids;
  std::vector<size_t> places;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i]) continue;
    ids.push_back(digest.issues[i].id);
    places.push_back(i);
  }
  CAIRN_TRY_ASSIGN(auto trends, source.trends(ids, digest.chart));
  for (size_t i = 0; i < places.size(); ++i) digest.issues[places[i]].trend = std::move(trends[i]);
  return {};
}

}  // namespace

DigestChart chart_over(TimeUs begin, TimeUs end) {
  constexpr std::array<int64_t, 11> kWidths = {kHourUs,      2 * kHourUs, 3 * kHourUs, 6 * kHourUs,
                                               12 * kHourUs, kDayUs,      2 * kDayUs,  3 * kDayUs,
                                               7 * kDayUs,   14 * kDayUs, 28 * kDayUs};
  const int64_t span = std::max(raw(end) - raw(begin), kDayUs);
  int64_t width = 0;
  for (const int64_t one : kWidths) {
    if (width == 0 && span <= one * kMostColumns) width = one;
  }
  if (width == 0) width = (span / kMostColumns / kDayUs + 1) * kDayUs;
  const auto count = static_cast<uint32_t>((span + width - 1) / width);
  return {TimeUs{raw(end) - width * count}, width, count};
}

Result<Digest> build_digest(std::span<const DigestRecord> records, const DigestRange& range,
                            DigestSource& source) {
  Digest digest;
  digest.until = range.until;
  digest.from = range.from.value_or(range.until);
  if (records.size() > kMaxDigestRecords) {
    digest.older = records.size() - kMaxDigestRecords;
    records = records.last(kMaxDigestRecords);
  }
  if (!records.empty()) {
    digest.first = records.front().begin;
    digest.last = records.front().end;
  }
  Gathering gathering(digest, source);
  for (const DigestRecord& record : records) {
    // Of all records, as in the field: also of those that are left out.
    digest.first = std::min(digest.first, record.begin);
    digest.last = std::max(digest.last, record.end);
    gathering.add(record);
  }
  if (!range.from && !records.empty()) digest.from = std::min(digest.first, range.until);
  digest.chart = chart_over(digest.from, digest.until);
  gathering.finish();
  if (digest.issues.empty()) return digest;
  const std::vector<GroupId> ids = ids_of(digest);
  CAIRN_TRY_ASSIGN(const auto counts, source.counts(ids, digest.first, digest.last));
  for (size_t i = 0; i < ids.size(); ++i) digest.issues[i].counts = counts[i];
  sort(digest);
  CAIRN_TRY(fill_trends(digest, range.shown, source));
  return digest;
}

}  // namespace cairn::alert
