#include "model/regression.h"

#include <compare>

#include "model/release_order.h"

namespace cairn::model {
namespace {

// Whether the occurrence's release comes before `fixed`, or is it when `inclusive`.
bool before_fix(std::string_view release, std::string_view fixed, bool inclusive,
                const Releases& releases, TimeUs now) {
  if (release == fixed) return inclusive;
  std::vector<std::string_view> newest;
  for (const Release* one : releases.newest(kSchemeReleases)) newest.push_back(one->version);
  const auto a = parse_release(release);
  const auto b = parse_release(fixed);
  if (a && b && follows_semver(newest, fixed)) {
    const auto order = compare(*a, *b);
    return order < 0 || (order == 0 && inclusive);
  }
  const Release* known = releases.find(release);
  const Release* fix = releases.find(fixed);
  const TimeUs date = known != nullptr ? known->date : now;
  const TimeUs fix_date = fix != nullptr ? fix->date : now;
  return date <= fix_date;
}

}  // namespace

std::string_view newest_release(const Releases& releases) {
  const auto newest = releases.newest(releases.all().size());
  if (newest.empty()) return "";
  std::vector<std::string_view> names;
  for (const Release* one : newest) names.push_back(one->version);
  if (!names_versions(names)) return names.front();
  std::string_view best = names.front();
  for (const std::string_view name : names) {
    const auto version = parse_release(name);
    const auto present = parse_release(best);
    if (version && (!present || compare(*present, *version) < 0)) best = name;
  }
  return best;
}

bool covers(const Resolution& resolution, std::optional<std::string_view> release,
            const Releases& releases, TimeUs now) {
  if (resolution.kind == ResolutionKind::Now) return false;
  if (!release || release->empty()) return true;
  switch (resolution.kind) {
    case ResolutionKind::InRelease:
      return before_fix(*release, resolution.version, false, releases, now);
    case ResolutionKind::InNextRelease:
      return !resolution.version.empty() &&
             before_fix(*release, resolution.version, true, releases, now);
    case ResolutionKind::InCommit: {
      const Release* fix = releases.with_commit(resolution.version);
      return fix == nullptr || before_fix(*release, fix->version, false, releases, now);
    }
    case ResolutionKind::Now:
      break;
  }
  return false;
}

}  // namespace cairn::model
