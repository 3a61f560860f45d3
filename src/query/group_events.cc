#include "query/group_events.h"

#include <algorithm>
#include <array>
#include <span>
#include <variant>

#include "query/binder.h"
#include "query/cursor.h"
#include "query/executor.h"
#include "query/group_filter.h"
#include "query/issue_occurrences.h"
#include "query/likely_slips.h"
#include "query/page_rows.h"
#include "query/plan.h"

namespace cairn::query {
namespace {

using storage::OrdinalRange;
using storage::Part;

// Where an occurrence stands in the list: the largest comes first.
struct Place {
  TimeUs time{};
  Lsn lsn{};
  bool operator<(const Place& other) const {
    return time != other.time ? time < other.time : lsn < other.lsn;
  }
};

struct Found {
  Place place;
  const Part* part = nullptr;
  Ordinal ordinal = 0;
};

struct NewerFirst {
  bool operator()(const Found& a, const Found& b) const { return b.place < a.place; }
};
using EventRows = PageRows<Found, NewerFirst>;

// What of the list a page wants, told by times alone.
class TimesWanted {
 public:
  TimesWanted(const EventRows& rows, bool backward) : rows_(rows), backward_(backward) {}

  bool operator()(TimeUs time) const {
    if (rows_.edge() && (backward_ ? time < edge() : time > edge())) return false;
    const Found* farthest = rows_.farthest();
    if (farthest == nullptr) return true;
    return backward_ ? time <= farthest->place.time : time >= farthest->place.time;
  }
  // Precondition: there is an edge.
  TimeUs edge() const { return rows_.edge()->place.time; }

 private:
  const EventRows& rows_;
  bool backward_;
};

// One page being read.
class EventReader {
 public:
  EventReader(size_t room, const std::optional<Found>& edge, bool backward)
      : rows_(room, edge, backward), wants_(rows_, backward), backward_(backward), room_(room) {}

  void offer(const PartMatch& match) {
    if (room_ == 0) return;
    if (match.bitmap || !match.part->sorted()) {
      match.for_each_block([&](const Block& block) { offer_block(block); });
      return;
    }
    for (const OrdinalRange& range : match.ranges) {
      if (backward_) {
        offer_oldest_first(*match.part, range);
      } else {
        offer_newest_first(*match.part, range);
      }
    }
  }
  std::vector<Found> take() { return rows_.take(); }

 private:
  // Reads the LSNs of a block only when one of its times is wanted.
  void offer_block(const Block& block) {
    std::array<TimeUs, Block::kSize> times;
    block.times(times.data());
    const std::span<const TimeUs> read(times.data(), block.size());
    if (std::none_of(read.begin(), read.end(), wants_)) return;
    std::array<Ordinal, Block::kSize> ordinals;
    std::array<Lsn, Block::kSize> lsns;
    block.ordinals(ordinals.data());
    block.lsns(lsns.data());
    for (size_t i = 0; i < block.size(); ++i) {
      rows_.offer({{times[i], lsns[i]}, &block.part(), ordinals[i]});
    }
  }

  // Times ascend in the range: from its end, until nothing before can be wanted.
  void offer_newest_first(const Part& part, OrdinalRange range) {
    if (rows_.edge()) range.end = part.first_not_before(range, TimeUs{raw(wants_.edge()) + 1});
    while (!range.empty() && wants_(part.time(range.end - 1))) {
      const Ordinal begin = range.end - std::min(range.size(), Block::kSize);
      offer_block(Block(part, OrdinalRange{begin, range.end}));
      range.end = begin;
    }
  }
  // And from the edge on towards its end.
  void offer_oldest_first(const Part& part, OrdinalRange range) {
    range.begin = part.first_not_before(range, wants_.edge());
    while (!range.empty() && wants_(part.time(range.begin))) {
      const Ordinal end = range.begin + std::min(range.size(), Block::kSize);
      offer_block(Block(part, OrdinalRange{range.begin, end}));
      range.begin = end;
    }
  }

  EventRows rows_;
  TimesWanted wants_;
  bool backward_;
  size_t room_;
};

// What a cursor is good for: one list, whatever it is called.
std::string list_name(const GroupScope& scope, const Query& filter) {
  return std::string(scope.alone ? "events of alone " : "events of ") +
         std::to_string(raw(scope.group)) + " " + filter.source;
}

Result<void> check_limit(uint32_t limit) {
  if (limit >= 1 && limit <= kMaxLimit) return {};
  return make_error(ErrorCode::InvalidArgument, "The limit is " + std::to_string(limit) +
                                                    "; it has to be between 1 and " +
                                                    std::to_string(kMaxLimit) + ".");
}

Result<void> check_filter_only(const Query& filter) {
  if (filter.stages.empty()) return {};
  Error error = make_error(ErrorCode::InvalidArgument,
                           "One issue is asked here: give conditions only, without the part after "
                           "the |.");
  error.position =
      std::visit([](const auto& stage) { return stage.at.begin; }, filter.stages.front());
  return error;
}

}  // namespace

Result<std::vector<PartMatch>> match_group(const View& view, const GroupScope& scope,
                                           const Query& filter, TimeUs now) {
  CAIRN_TRY(check_filter_only(filter));
  CAIRN_TRY_ASSIGN(Expr bound, bind_filter(filter, view.forest(), now));
  CAIRN_TRY_ASSIGN(const Plan plan, make_plan(view, std::move(bound)));
  GroupFilter group_filter(view, plan.group_filter);
  const auto& own = view.state->group(scope.group).fingerprints;
  const IssueOccurrences wanted(view, scope.alone
                                          ? std::vector<FingerprintId>(own.begin(), own.end())
                                          : view.forest().fingerprints_of(scope.group));
  std::vector<PartMatch> found;
  for (const PartMatch& match : match_parts(view, plan, group_filter, GroupFilterIn::Matches)) {
    PartMatch confined = wanted.confined(match);
    const bool any = confined.bitmap ? !confined.bitmap->empty() : !confined.ranges.empty();
    if (!any) continue;
    confined.hold_bitmap();
    found.push_back(std::move(confined));
  }
  CAIRN_TRY(check(view.meter));
  return found;
}

Result<EventPage> list_events(const View& given, const GroupScope& scope, const Query& filter,
                              const EventOptions& options) {
  Meter own(options.control);
  const View view = watched(given, own);
  const std::string name = list_name(scope, filter);
  const CursorScope list = cursor_scope(view, name, Sort::Date);
  std::optional<Cursor> cursor;
  std::optional<Found> edge;
  if (!options.cursor.empty()) {
    CAIRN_TRY_ASSIGN(cursor, cursor_for(view, options.cursor, list));
    edge = Found{{TimeUs{cursor->key}, Lsn{cursor->id}}, nullptr, 0};
  }
  const uint32_t size = options.limit.value_or(cursor ? cursor->size : kDefaultLimit);
  CAIRN_TRY(check_limit(size));
  const TimeUs now = cursor ? cursor->pin.now : options.now;
  CAIRN_TRY_ASSIGN(const auto parts, match_group(view, scope, filter, now));
  EventPage page;
  page.lsn = view.lsn;
  warn_of_likely_slips(filter, page.warnings);
  for (const PartMatch& match : parts) page.total += match.count();
  const PageSpan span = page_span(cursor, size, page.total);
  EventReader reader(span.room, edge, cursor && cursor->backward);
  for (const PartMatch& match : parts) reader.offer(match);
  const std::vector<Found> found = reader.take();
  CAIRN_TRY(check(view.meter));
  for (const Found& one : found) {
    page.events.push_back({one.place.lsn, one.place.time, one.part->fingerprint(one.ordinal)});
  }
  if (view.seal == nullptr && found.size() < page.total) {
    page.warnings.push_back(why_no_cursors(view));
  }
  if (view.seal == nullptr || found.empty()) return page;
  const auto place = [](const Found& one) {
    return RowPlace{raw(one.place.time), raw(one.place.lsn)};
  };
  PageLinks links = page_links(view, list, cursor ? cursor->pin : pin_here(view, now), span,
                               page.total, size, place(found.front()), place(found.back()));
  page.next = std::move(links.next);
  page.prev = std::move(links.prev);
  return page;
}

}  // namespace cairn::query
