#include "alert/delivery_queue.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/hash.h"

namespace cairn::alert {
namespace {

TimeUs after(TimeUs time, int64_t us) { return TimeUs{raw(time) + us}; }

// The last place that is before it.
NotificationPlace before(const NotificationPlace& place) {
  if (place.ordinal > 0) return {place.lsn, place.ordinal - 1};
  if (raw(place.lsn) == 0) return {};
  return {Lsn{raw(place.lsn) - 1}, kLastOrdinal};
}

}  // namespace

DeliveryQueue::DeliveryQueue(const DeliveryPolicy& policy, DeliveryCursor from)
    : policy_(policy),
      reading_(from.open.empty() ? from.read_to : before(from.open.front())),
      recovering_(from.open.begin(), from.open.end()),
      recovered_to_(from.read_to) {}

size_t DeliveryQueue::room() const {
  // What an earlier process had open has its place already, so that a cursor never has more.
  const size_t open = entries_.size() + recovering_.size();
  const size_t free = open < policy_.window ? policy_.window - open : 0;
  return recovering_.empty() ? free : std::max<size_t>(free, recovering_.size());
}

DeliveryQueue::Added DeliveryQueue::add(std::vector<Letter> letters, const NotificationPlace& up_to,
                                        TimeUs now) {
  Added added;
  for (Letter& letter : letters) {
    const NotificationPlace place = letter.place;
    CAIRN_ASSERT(place > reading_ && place <= up_to && !entries_.contains(place));
    const bool seen = place <= recovered_to_;
    // What was taken over in time is not too old because a process ended meanwhile.
    const bool recovered = recovering_.erase(place) > 0;
    if (seen && !recovered) continue;
    if (!recovered && raw(now) - raw(letter.at) > policy_.most_age_us) {
      ++added.old;
      continue;
    }
    ++added.taken;
    ages_.emplace(letter.at, place);
    auto& series = series_[letter.series];
    series.push_back(place);
    const bool first = series.size() == 1;
    Entry& entry = entries_[place];
    entry.letter = std::move(letter);
    entry.due = now;
    if (first) make_ready(entry);
  }
  // That the log went on without letters is known again at any time.
  reading_ = std::max(reading_, up_to);
  // Open ones that the store does not know any more.
  while (!recovering_.empty() && *recovering_.begin() <= reading_) {
    ++added.gone;
    recovering_.erase(recovering_.begin());
  }
  if (added.taken + added.old + added.gone > 0) changed_ = true;
  return added;
}

void DeliveryQueue::make_ready(Entry& entry) { later_.emplace(entry.due, entry.letter.place); }

const Letter* DeliveryQueue::next(TimeUs now) {
  if (now < paused_until_) return nullptr;
  const size_t limit = failures_ >= policy_.probing ? 1 : policy_.parallel;
  if (under_way_ + unrecorded_ >= limit) return nullptr;
  while (!later_.empty() && later_.begin()->first <= now) {
    ready_.insert(later_.begin()->second);
    later_.erase(later_.begin());
  }
  if (ready_.empty()) return nullptr;
  Entry& entry = entries_.at(*ready_.begin());
  ready_.erase(ready_.begin());
  if (entry.attempts == 0) entry.first = now;
  ++entry.attempts;
  entry.stage = Stage::UnderWay;
  ++under_way_;
  return &entry.letter;
}

std::optional<TimeUs> DeliveryQueue::wake() const {
  const size_t limit = failures_ >= policy_.probing ? 1 : policy_.parallel;
  if (under_way_ + unrecorded_ >= limit) return std::nullopt;
  if (!ready_.empty()) return paused_until_;
  if (later_.empty()) return std::nullopt;
  return std::max(paused_until_, later_.begin()->first);
}

int64_t DeliveryQueue::wait_of(const Entry& entry) const {
  int64_t wait = policy_.first_wait_us;
  for (uint32_t i = 1; i < entry.attempts && wait < policy_.most_wait_us; ++i) wait *= 2;
  wait = std::min(wait, policy_.most_wait_us);
  // Three quarters to all of it, so that what failed together does not come back together.
  const uint64_t drawn = hash64(fmt::format("{} {}", entry.letter.id, entry.attempts)) >> 32;
  return wait - static_cast<int64_t>(static_cast<double>(wait) / 4 *
                                     (static_cast<double>(drawn) / 4294967296.0));
}

Fate DeliveryQueue::done(const NotificationPlace& place, const Attempt& attempt, TimeUs now) {
  Entry& entry = entries_.at(place);
  CAIRN_ASSERT(entry.stage == Stage::UnderWay);
  if (attempt.verdict == Verdict::Delivered) {
    failures_ = 0;
    --under_way_;
    finish(place);
    return Fate::Done;
  }
  // A refusal is about the letter, and says that the other side is there.
  failures_ = attempt.verdict == Verdict::Failed ? failures_ + 1 : 0;
  const bool over =
      entry.attempts >= policy_.attempts || raw(now) - raw(entry.first) >= policy_.give_up_us;
  int64_t wait = wait_of(entry);
  if (attempt.told_wait_us && attempt.verdict == Verdict::Failed) {
    const int64_t told = std::clamp<int64_t>(*attempt.told_wait_us, 0, policy_.most_told_us);
    wait = std::max(wait, told);
    // It is the other side that is busy, not this letter that is wrong.
    paused_until_ = std::max(paused_until_, after(now, told));
  }
  if (attempt.verdict == Verdict::Refused || over) {
    entry.stage = Stage::Dying;  // still takes its place among those under way
    return Fate::Dead;
  }
  --under_way_;
  entry.stage = Stage::Waiting;
  entry.due = after(now, wait);
  make_ready(entry);
  return Fate::Again;
}

void DeliveryQueue::buried(const NotificationPlace& place) {
  CAIRN_ASSERT(entries_.at(place).stage == Stage::Dying);
  --under_way_;
  finish(place);
}

void DeliveryQueue::finish(const NotificationPlace& place) {
  const auto found = entries_.find(place);
  const Letter& letter = found->second.letter;
  ages_.erase({letter.at, place});
  const auto series = series_.find(letter.series);
  CAIRN_ASSERT(series->second.front() == place);
  series->second.pop_front();
  if (series->second.empty()) {
    series_.erase(series);
  } else {
    make_ready(entries_.at(series->second.front()));
  }
  entries_.erase(found);
  ++unrecorded_;
  changed_ = true;
}

const Letter& DeliveryQueue::letter(const NotificationPlace& place) const {
  return entries_.at(place).letter;
}

uint32_t DeliveryQueue::attempts(const NotificationPlace& place) const {
  return entries_.at(place).attempts;
}

TimeUs DeliveryQueue::next_attempt(const NotificationPlace& place) const {
  return std::max(paused_until_, entries_.at(place).due);
}

DeliveryCursor DeliveryQueue::cursor() {
  recording_ = unrecorded_;
  changed_ = false;
  DeliveryCursor cursor;
  cursor.read_to = std::max(reading_, recovered_to_);
  for (const auto& [place, entry] : entries_) cursor.open.push_back(place);
  // All of these are behind what was read again so far.
  cursor.open.insert(cursor.open.end(), recovering_.begin(), recovering_.end());
  return cursor;
}

void DeliveryQueue::saved(bool durable) {
  if (durable) {
    unrecorded_ -= recording_;
  } else {
    changed_ = true;
  }
  recording_ = 0;
}

std::optional<TimeUs> DeliveryQueue::oldest() const {
  if (ages_.empty()) return std::nullopt;
  return ages_.begin()->first;
}

}  // namespace cairn::alert
