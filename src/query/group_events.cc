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

bool before(const Found& a, const Found& b) { return b.place < a.place; }

// The first `room` occurrences of those offered, after `after`.
class NewestFirst {
 public:
  NewestFirst(size_t room, std::optional<Place> after) : room_(room), after_(after) {}

  // Whether an occurrence of this time can still be among them.
  bool wants(TimeUs time) const {
    if (after_ && time > after_->time) return false;
    return found_.size() < room_ || time >= found_.front().place.time;
  }
  void offer(const Found& one) {
    if (after_ && !(one.place < *after_)) return;
    if (found_.size() < room_) {
      found_.push_back(one);
      std::push_heap(found_.begin(), found_.end(), before);
    } else if (before(one, found_.front())) {
      std::pop_heap(found_.begin(), found_.end(), before);
      found_.back() = one;
      std::push_heap(found_.begin(), found_.end(), before);
    }
  }
  const std::optional<Place>& after() const { return after_; }
  std::vector<Found> take() {
    std::sort_heap(found_.begin(), found_.end(), before);
    return std::move(found_);
  }

 private:
  size_t room_;
  std::optional<Place> after_;
  std::vector<Found> found_;  // a heap, its last in front
};

// Reads the LSNs of a block only when one of its times is wanted.
void offer_block(const Block& block, NewestFirst& page) {
  std::array<TimeUs, Block::kSize> times;
  block.times(times.data());
  const std::span<const TimeUs> read(times.data(), block.size());
  if (std::none_of(read.begin(), read.end(), [&](TimeUs time) { return page.wants(time); })) return;
  std::array<Ordinal, Block::kSize> ordinals;
  std::array<Lsn, Block::kSize> lsns;
  block.ordinals(ordinals.data());
  block.lsns(lsns.data());
  for (size_t i = 0; i < block.size(); ++i) {
    page.offer({{times[i], lsns[i]}, &block.part(), ordinals[i]});
  }
}

// Times ascend in the range: from its end, until nothing before can be wanted.
void offer_range(const Part& part, OrdinalRange range, NewestFirst& page) {
  if (page.after()) {
    const TimeUs later{raw(page.after()->time) + 1};
    range.end = part.first_not_before(range, later);
  }
  while (!range.empty() && page.wants(part.time(range.end - 1))) {
    const Ordinal begin = range.end - std::min(range.size(), Block::kSize);
    offer_block(Block(part, OrdinalRange{begin, range.end}), page);
    range.end = begin;
  }
}

void offer_all(const PartMatch& match, NewestFirst& page) {
  if (match.bitmap || !match.part->sorted()) {
    match.for_each_block([&](const Block& block) { offer_block(block, page); });
    return;
  }
  for (const OrdinalRange& range : match.ranges) offer_range(*match.part, range, page);
}

// What a cursor is good for: one list, whatever it is called.
std::string list_name(const GroupScope& scope, const Query& filter) {
  return std::string(scope.alone ? "events of alone " : "events of ") +
         std::to_string(raw(scope.group)) + " " + filter.source;
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
    if (any) found.push_back(std::move(confined));
  }
  CAIRN_TRY(check(view.meter));
  return found;
}

Result<EventPage> list_events(const View& given, const GroupScope& scope, const Query& filter,
                              const EventOptions& options) {
  Meter own(options.control);
  const View view = watched(given, own);
  if (options.limit < 1 || options.limit > kMaxLimit) {
    return make_error(ErrorCode::InvalidArgument, "The limit is " + std::to_string(options.limit) +
                                                      "; it has to be between 1 and " +
                                                      std::to_string(kMaxLimit) + ".");
  }
  const std::string name = list_name(scope, filter);
  // A cursor of the list holds the place of its last row: time and, as `shown`, LSN.
  const CursorScope cursor_scope{view.state->store_id(), name, Sort::Date, view.experiment()};
  std::optional<Place> after;
  if (!options.cursor.empty()) {
    CAIRN_TRY_ASSIGN(const Cursor cursor, decode_cursor(options.cursor, cursor_scope));
    after = Place{TimeUs{cursor.key}, Lsn{cursor.shown}};
  }
  CAIRN_TRY_ASSIGN(const auto parts, match_group(view, scope, filter, options.now));
  EventPage page;
  page.lsn = view.lsn;
  NewestFirst newest(size_t{options.limit} + 1, after);  // one more tells of a next page
  for (const PartMatch& match : parts) {
    page.total += match.count();
    offer_all(match, newest);
  }
  CAIRN_TRY(check(view.meter));
  std::vector<Found> found = newest.take();
  if (found.size() > options.limit) {
    found.resize(options.limit);
    const Place& last = found.back().place;
    page.next = encode_cursor({raw(last.time), scope.group, raw(last.lsn)}, cursor_scope);
  }
  for (const Found& one : found) {
    page.events.push_back({one.place.lsn, one.place.time, one.part->fingerprint(one.ordinal)});
  }
  return page;
}

}  // namespace cairn::query
