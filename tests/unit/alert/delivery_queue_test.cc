#include "alert/delivery_queue.h"

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "support/soak.h"

using namespace cairn;
using namespace cairn::alert;

namespace {

constexpr int64_t kSecond = kMicrosPerSecond;
TimeUs second(int64_t n) { return TimeUs{n * kSecond}; }
NotificationPlace place(uint64_t lsn, uint32_t ordinal = 0) { return {Lsn{lsn}, ordinal}; }

Letter letter(uint64_t lsn, const std::string& series, int64_t at = 0) {
  return {place(lsn), second(at), "id" + std::to_string(lsn), series, "body"};
}
uint64_t lsn_of(const Letter* letter) { return letter == nullptr ? 0 : raw(letter->place.lsn); }

constexpr Attempt kDelivered{Verdict::Delivered, {}};
constexpr Attempt kFailed{Verdict::Failed, {}};
constexpr Attempt kRefused{Verdict::Refused, {}};

void save(DeliveryQueue& queue) {
  (void)queue.cursor();
  queue.saved(true);
}

}  // namespace

TEST_CASE("letters of one series wait for each other, others go on") {
  DeliveryQueue queue({}, {});
  queue.add({letter(1, "a"), letter(2, "a"), letter(3, "b")}, place(9), second(0));
  CHECK(lsn_of(queue.next(second(0))) == 1);
  CHECK(lsn_of(queue.next(second(0))) == 3);
  CHECK(queue.next(second(0)) == nullptr);
  CHECK(queue.done(place(3), kDelivered, second(0)) == Fate::Done);
  CHECK(queue.done(place(1), kFailed, second(0)) == Fate::Again);
  CHECK(queue.next(second(0)) == nullptr);  // 2 waits for 1
  CHECK(queue.wake() == queue.next_attempt(place(1)));
  CHECK(lsn_of(queue.next(second(5))) == 1);
  CHECK(queue.done(place(1), kDelivered, second(5)) == Fate::Done);
  CHECK(lsn_of(queue.next(second(5))) == 2);
}

TEST_CASE("waits double up to a bound, and differ a little by key") {
  DeliveryPolicy policy;
  policy.attempts = 12;
  DeliveryQueue queue(policy, {});
  queue.add({letter(1, "a")}, place(1), second(0));
  TimeUs now = second(0);
  int64_t expected = policy.first_wait_us;
  for (uint32_t attempt = 1; attempt < 12; ++attempt) {
    INFO("attempt " << attempt);
    REQUIRE(lsn_of(queue.next(now)) == 1);
    REQUIRE(queue.attempts(place(1)) == attempt);
    REQUIRE(queue.done(place(1), kFailed, now) == Fate::Again);
    const int64_t wait = raw(queue.next_attempt(place(1))) - raw(now);
    CHECK(wait <= expected);
    CHECK(wait >= expected / 4 * 3);
    CHECK(queue.next(TimeUs{raw(now) + wait - 1}) == nullptr);
    now = TimeUs{raw(now) + wait};
    expected = std::min(expected * 2, policy.most_wait_us);
  }
  REQUIRE(lsn_of(queue.next(now)) == 1);
  CHECK(queue.done(place(1), kFailed, now) == Fate::Dead);
  CHECK(queue.cursor().open == std::vector{place(1)});  // not written down yet
  queue.buried(place(1));
  CHECK(queue.cursor() == DeliveryCursor{place(1), {}});
  CHECK(queue.open() == 0);
}

TEST_CASE("a refusal and too long a time end it, too") {
  DeliveryQueue queue({}, {});
  queue.add({letter(1, "a"), letter(2, "a"), letter(3, "b")}, place(3), second(0));
  CHECK(lsn_of(queue.next(second(0))) == 1);
  CHECK(queue.done(place(1), kRefused, second(0)) == Fate::Dead);
  CHECK(lsn_of(queue.next(second(0))) == 3);
  CHECK(queue.next(second(0)) == nullptr);  // 2 comes after 1 is written down
  queue.buried(place(1));
  CHECK(lsn_of(queue.next(second(0))) == 2);
  CHECK(queue.done(place(3), kFailed, second(86'399)) == Fate::Again);
  CHECK(lsn_of(queue.next(second(90'000))) == 3);
  CHECK(queue.done(place(3), kFailed, second(90'000)) == Fate::Dead);
}

TEST_CASE("who asks for time gets it, up to a bound, for all letters") {
  DeliveryQueue queue({}, {});
  queue.add({letter(1, "a"), letter(2, "b")}, place(2), second(0));
  CHECK(lsn_of(queue.next(second(0))) == 1);
  CHECK(queue.done(place(1), {Verdict::Failed, 100 * kSecond}, second(0)) == Fate::Again);
  CHECK(queue.next(second(99)) == nullptr);
  CHECK(queue.wake() == second(100));
  CHECK(lsn_of(queue.next(second(100))) == 1);
  CHECK(queue.done(place(1), {Verdict::Failed, INT64_MAX}, second(100)) == Fate::Again);
  CHECK(queue.wake() == second(3700));
}

TEST_CASE("old ones are skipped, but not those that were taken over in time") {
  const int64_t day = 86'400;
  DeliveryQueue queue({}, {});
  const auto added =
      queue.add({letter(1, "a", 0), letter(2, "b", 1)}, place(7, kLastOrdinal), second(day + 1));
  CHECK(added.taken == 1);
  CHECK(added.old == 1);
  CHECK(queue.oldest() == second(1));
  const DeliveryCursor cursor = queue.cursor();
  CHECK(cursor == DeliveryCursor{place(7, kLastOrdinal), {place(2)}});
  DeliveryQueue later({}, cursor);
  CHECK(later.read_to() == place(1, kLastOrdinal));
  CHECK(later.add({letter(2, "b", 1)}, place(7, kLastOrdinal), second(9 * day)).taken == 1);
  DeliveryQueue without({}, cursor);
  CHECK(without.add({}, place(7, kLastOrdinal), second(0)).gone == 1);
  CHECK(without.cursor() == DeliveryCursor{place(7, kLastOrdinal), {}});
}

TEST_CASE("what is done stays done; only what no cursor has may come again") {
  DeliveryPolicy policy;
  policy.parallel = 2;
  DeliveryQueue queue(policy, {});
  std::vector<Letter> all;
  for (uint64_t i = 1; i <= 5; ++i) all.push_back(letter(i, std::to_string(i)));
  queue.add(all, place(5), second(0));
  CHECK(lsn_of(queue.next(second(0))) == 1);
  CHECK(lsn_of(queue.next(second(0))) == 2);
  queue.done(place(1), kFailed, second(0));
  queue.done(place(2), kDelivered, second(0));
  CHECK(lsn_of(queue.next(second(0))) == 3);
  queue.done(place(3), kDelivered, second(0));
  CHECK(queue.next(second(0)) == nullptr);  // 2 and 3 are in no durable cursor
  const DeliveryCursor cursor = queue.cursor();
  CHECK(cursor == DeliveryCursor{place(5), {place(1), place(4), place(5)}});
  CHECK(queue.next(second(0)) == nullptr);
  queue.saved(false);  // the disk was full, say
  CHECK(queue.unsaved());
  CHECK(queue.next(second(0)) == nullptr);
  save(queue);
  CHECK_FALSE(queue.unsaved());
  CHECK(lsn_of(queue.next(second(0))) == 4);

  DeliveryQueue again(policy, cursor);
  CHECK(again.cursor() == cursor);
  all.push_back(letter(6, "6"));
  CHECK(again.add(all, place(6), second(1)).taken == 4);
  CHECK(again.cursor() == DeliveryCursor{place(6), {place(1), place(4), place(5), place(6)}});
}

TEST_CASE("after many failures in a row one at a time is tried") {
  DeliveryPolicy policy;
  policy.parallel = 4;
  policy.probing = 4;
  DeliveryQueue queue(policy, {});
  std::vector<Letter> all;
  for (uint64_t i = 1; i <= 9; ++i) all.push_back(letter(i, std::to_string(i)));
  queue.add(all, place(9), second(0));
  for (uint64_t i = 1; i <= 4; ++i) CHECK(lsn_of(queue.next(second(0))) == i);
  for (uint64_t i = 1; i <= 4; ++i) queue.done(place(i), kFailed, second(0));
  CHECK(lsn_of(queue.next(second(0))) == 5);
  CHECK(queue.next(second(0)) == nullptr);
  queue.done(place(5), kDelivered, second(0));
  save(queue);
  for (uint64_t i = 6; i <= 9; ++i) CHECK(lsn_of(queue.next(second(0))) == i);
}

namespace {

// A queue without indexes: looks at everything each time.
class NaiveQueue {
 public:
  explicit NaiveQueue(const DeliveryPolicy& policy) : policy_(policy) {}
  struct One {
    Letter letter;
    bool sent = false;
    TimeUs due{};
  };
  std::vector<One> open;  // ascending
  std::set<NotificationPlace> busy;
  size_t unrecorded = 0;
  uint32_t failures = 0;
  TimeUs paused{};

  uint64_t next(TimeUs now) const {
    const size_t limit = failures >= policy_.probing ? 1 : policy_.parallel;
    if (now < paused || busy.size() + unrecorded >= limit) return 0;
    for (size_t i = 0; i < open.size(); ++i) {
      bool first = true;
      for (size_t j = 0; j < i; ++j)
        first = first && open[j].letter.series != open[i].letter.series;
      if (first && !busy.contains(open[i].letter.place) && open[i].due <= now) {
        return lsn_of(&open[i].letter);
      }
    }
    return 0;
  }
  One& at(const NotificationPlace& where) {
    for (One& one : open) {
      if (one.letter.place == where) return one;
    }
    FAIL("not open");
    return open.front();
  }
  void finish(const NotificationPlace& where) {
    busy.erase(where);
    std::erase_if(open, [&](const One& one) { return one.letter.place == where; });
    ++unrecorded;
  }

 private:
  DeliveryPolicy policy_;
};

// A log of letters, a receiver that keeps what came, and processes that die.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    policy_.window = 1 + static_cast<uint32_t>(draw(30));
    policy_.parallel = 1 + static_cast<uint32_t>(draw(6));
    policy_.probing = 1 + static_cast<uint32_t>(draw(9));
    policy_.attempts = 2 + static_cast<uint32_t>(draw(12));
    policy_.most_age_us = 5'000 * kSecond;
    policy_.give_up_us = 3'000 * kSecond;
    for (uint64_t i = 1; i <= 120; ++i) {
      log_.push_back(letter(i, std::to_string(draw(12)), static_cast<int64_t>(i * draw(60))));
    }
    begin();
  }

  void run() {
    for (int step = 0; step < 3000; ++step) {
      const uint64_t what = draw(100);
      if (what < 2) {
        crash();
      } else if (what < 12) {
        read();
      } else if (what < 45) {
        send();
      } else if (what < 75) {
        answer();
      } else if (what < 85) {
        record();
      } else if (what < 88) {
        outage_ = !outage_;
      } else {
        now_ += static_cast<int64_t>(draw(40)) * kSecond;
      }
    }
    outage_ = false;
    for (int i = 0; i < 100'000 && !at_end(); ++i) {
      read();
      send();
      answer();
      record();
      now_ += static_cast<int64_t>(draw(40)) * kSecond;
    }
    CHECK(at_end());
    for (const Letter& one : log_) {
      INFO("letter " << lsn_of(&one));
      CHECK(
          (received_.contains(one.place) || dead_.contains(one.place) || old_.contains(one.place)));
    }
    CHECK(repeated_ <= crashes_ * policy_.parallel);
    CHECK(received_.size() > 20);
  }

 private:
  uint64_t draw(uint64_t n) { return random_() % n; }
  TimeUs now() const { return TimeUs{now_}; }

  void begin() {
    began_with_ = durable_;
    queue_ = std::make_unique<DeliveryQueue>(policy_, durable_);
    naive_ = NaiveQueue(policy_);
    under_way_.clear();
    recording_.reset();
    attempts_.clear();
  }

  void crash() {
    ++crashes_;
    // What was under way may have arrived.
    for (const NotificationPlace& one : under_way_) {
      if (draw(2) == 0) receive(one);
    }
    begin();
  }

  void read() {
    const size_t limit = std::min<size_t>(queue_->room(), 1 + draw(20));
    if (queue_->room() == 0) return;
    const NotificationPlace from = queue_->read_to();
    std::vector<Letter> page;
    for (const Letter& one : log_) {
      // Letters come into being while time passes.
      if (one.place > from && page.size() < limit && one.at <= now()) page.push_back(one);
      if (one.at > now()) break;
    }
    if (page.empty()) return;
    std::vector<Letter> taken;
    uint64_t old = 0;
    for (const Letter& one : page) {
      const bool known = one.place <= began_with_.read_to;
      const auto& were_open = began_with_.open;
      const bool open = std::find(were_open.begin(), were_open.end(), one.place) != were_open.end();
      if (known && !open) continue;
      if (!open && now_ - raw(one.at) > policy_.most_age_us) {
        ++old;
        old_.insert(one.place);
        continue;
      }
      taken.push_back(one);
    }
    const auto added = queue_->add(page, page.back().place, now());
    CHECK(added.old == old);
    REQUIRE(added.taken == taken.size());
    for (Letter& one : taken) naive_.open.push_back({std::move(one), false, now()});
    REQUIRE(queue_->open() <= policy_.window);
  }

  void send() {
    const uint64_t expected = naive_.next(now());
    const Letter* sent = queue_->next(now());
    REQUIRE(lsn_of(sent) == expected);
    if (sent == nullptr) {
      const auto wake = queue_->wake();
      if (wake) CHECK(*wake > now());
      return;
    }
    under_way_.push_back(sent->place);
    naive_.busy.insert(sent->place);
    ++attempts_[sent->place];
    REQUIRE(queue_->attempts(sent->place) == attempts_[sent->place]);
    REQUIRE(attempts_[sent->place] <= policy_.attempts);
  }

  // In any order.
  void answer() {
    if (under_way_.empty()) return;
    const size_t at = draw(under_way_.size());
    const NotificationPlace one = under_way_[at];
    under_way_.erase(under_way_.begin() + static_cast<ptrdiff_t>(at));
    Attempt attempt = outage_ || draw(10) == 0 ? kFailed : kDelivered;
    if (draw(40) == 0) attempt = kRefused;
    if (attempt.verdict == Verdict::Failed && draw(5) == 0) {
      attempt.told_wait_us = static_cast<int64_t>(draw(100)) * kSecond;
      naive_.paused = std::max(naive_.paused, TimeUs{now_ + *attempt.told_wait_us});
    }
    if (attempt.verdict == Verdict::Delivered) receive(one);
    naive_.failures = attempt.verdict == Verdict::Failed ? naive_.failures + 1 : 0;
    const Fate fate = queue_->done(one, attempt, now());
    if (fate == Fate::Again) {
      CHECK(attempt.verdict == Verdict::Failed);
      naive_.busy.erase(one);
      const TimeUs due = queue_->next_attempt(one);
      CHECK(raw(due) - now_ >= policy_.first_wait_us / 4 * 3);
      if (attempt.told_wait_us) CHECK(raw(due) - now_ >= *attempt.told_wait_us);
      naive_.at(one).due = due;
      return;
    }
    CHECK((fate == Fate::Done) == (attempt.verdict == Verdict::Delivered));
    if (fate == Fate::Dead) {
      dead_.insert(one);
      if (draw(10) == 0) {  // it dies before that is written down
        dead_.erase(one);
        crash();
        return;
      }
      queue_->buried(one);
    }
    naive_.finish(one);
  }

  // A cursor becomes durable some time after it was taken.
  void record() {
    if (!recording_) {
      if (!queue_->unsaved()) return;
      recording_ = queue_->cursor();
      recorded_ = naive_.unrecorded;
      return;
    }
    if (draw(8) == 0) {
      queue_->saved(false);
    } else {
      durable_ = *recording_;
      queue_->saved(true);
      naive_.unrecorded -= recorded_;
    }
    recording_.reset();
  }

  void receive(const NotificationPlace& one) {
    const Letter& got = log_[raw(one.lsn) - 1];
    if (!received_.insert(one).second) {
      ++repeated_;
      return;
    }
    // All earlier ones of its series were received, or are accounted for.
    for (const Letter& before : log_) {
      if (before.place >= one || before.series != got.series) continue;
      INFO("letter " << lsn_of(&got) << " before " << lsn_of(&before));
      CHECK((received_.contains(before.place) || dead_.contains(before.place) ||
             old_.contains(before.place)));
    }
  }

  bool at_end() const {
    return queue_->read_to() == log_.back().place && queue_->open() == 0 && !queue_->unsaved();
  }

  std::mt19937_64 random_;
  DeliveryPolicy policy_;
  std::vector<Letter> log_;
  int64_t now_ = 0;
  bool outage_ = false;
  DeliveryCursor durable_;
  DeliveryCursor began_with_;  // this process
  std::unique_ptr<DeliveryQueue> queue_;
  NaiveQueue naive_{DeliveryPolicy{}};
  std::vector<NotificationPlace> under_way_;
  std::map<NotificationPlace, uint32_t> attempts_;  // of this process
  std::optional<DeliveryCursor> recording_;
  size_t recorded_ = 0;
  std::set<NotificationPlace> received_;
  std::set<NotificationPlace> dead_;
  std::set<NotificationPlace> old_;
  size_t crashes_ = 0;
  size_t repeated_ = 0;
};

}  // namespace

TEST_CASE("whatever fails and ends, each letter arrives, in order, or is accounted for") {
  const uint64_t first = cairn::testing::first_seed();
  for (int i = 0; i < cairn::testing::soak_rounds(60); ++i) {
    const uint64_t seed = first + static_cast<uint64_t>(i);
    INFO("seed " << seed);
    World(seed).run();
  }
}
