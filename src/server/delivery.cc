#include "server/delivery.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/time_format.h"
#include "server/delivery_files.h"
#include "server/line_output.h"
#include "server/webhook.h"

namespace cairn::server {
namespace {

using alert::DeliveryQueue;
using alert::Fate;
using alert::Letter;
using alert::NotificationPlace;
using alert::Verdict;

constexpr auto kBetweenLooks = 500 * kj::MILLISECONDS;
constexpr auto kAfterFailedBurial = 5 * kj::SECONDS;
constexpr uint32_t kPipeWaitMs = 500;  // all destinations wait meanwhile
constexpr int kLooksForAgain = 4;      // one in so many

// What the thread makes of a page of notifications.
struct Letters {
  std::vector<Letter> letters;
  NotificationPlace up_to;
  bool more = false;
  uint64_t unwanted = 0;
};

Result<Letters> read_letters(NotificationSource& source, const Destination& destination,
                             const Uuid& store, const NotificationPlace& place, size_t limit) {
  CAIRN_TRY_ASSIGN(const NotificationSource::Page page, source.after(place, limit));
  Letters out{{}, page.up_to, page.more, 0};
  for (const alert::Described& one : page.found) {
    if (!destination.wants(one)) {
      ++out.unwanted;
      continue;
    }
    const alert::Notification& notification = one.notification;
    out.letters.push_back({notification.place(), notification.at,
                           idempotency_key(store, notification), series_of(notification),
                           notification_text(destination.format, store, one, destination.least)});
  }
  return out;
}

}  // namespace

struct Delivery::Desk {
  Desk(const Parts& parts, const Destination& destination)
      : files(parts.files, parts.directory, destination.name, parts.store),
        output(destination.path, kPipeWaitMs) {}
  DeliveryFiles files;
  LineOutput output;
};

// One destination.
class Delivery::Courier final : public kj::TaskSet::ErrorHandler {
 public:
  Courier(Delivery& delivery, const Destination& destination, Desk& desk, DeliveryCounts& counts,
          alert::DeliveryCursor cursor, std::unique_ptr<Webhook> webhook)
      : delivery_(delivery),
        parts_(delivery.parts_),
        destination_(destination),
        desk_(desk),
        counts_(counts),
        webhook_(std::move(webhook)),
        queue_(destination.policy, std::move(cursor)),
        tasks_(*this) {}

  // Now and then: the log may have grown, a failed write may be tried again.
  void look() {
    behind_ = true;
    save_failed_ = false;
    if (++looks_ % kLooksForAgain == 0) look_for_again_ = true;
    pump();
  }

  bool idle() const {
    const bool quiet = queue_.under_way() == 0 && (!again_ || again_->queue.under_way() == 0);
    return quiet && !saving_ && !queue_.unsaved();
  }

 private:
  // Dead letters that somebody wants to be sent again.
  struct Again {
    DeliveryQueue queue;
    uint64_t offset = 0;
    uint64_t line = 0;
    bool end = false;
  };

  void taskFailed(kj::Exception&& exception) override {
    parts_.log.write(
        "error", "delivery",
        {{"destination", destination_.name}, {"why", exception.getDescription().cStr()}});
  }

  TimeUs now() const { return parts_.clock.now(); }

  // Begins whatever can be begun. Called after each event.
  void pump() {
    if (!delivery_.stopping_) {
      const size_t worth_it = std::max<size_t>(1, destination_.policy.window / 4);
      if (behind_ && !reading_ && queue_.room() >= worth_it) read();
      pump_again();
      send(queue_);
      if (again_) send(again_->queue);
      arm(queue_.wake());
      if (again_) arm(again_->queue.wake());
    }
    if (queue_.unsaved() && !saving_ && !save_failed_) save();
    publish();
  }

  void read() {
    reading_ = true;
    behind_ = false;
    auto work = [&source = parts_.source, &destination = destination_, store = parts_.store,
                 place = queue_.read_to(), limit = queue_.room()](const auto&) {
      return read_letters(source, destination, store, place, limit);
    };
    tasks_.add(delivery_.workers_.run<Result<Letters>>(work).then([this](Result<Letters> found) {
      reading_ = false;
      if (found) {
        take(std::move(*found));
      } else {
        trouble("delivery_read", found.error());
      }
      pump();
    }));
  }

  void take(Letters found) {
    const auto added = queue_.add(std::move(found.letters), found.up_to, now());
    counts_.unwanted += found.unwanted;
    counts_.old += added.old;
    if (found.more) behind_ = true;
    if (added.old > 0) {
      parts_.log.info("delivery_skipped", {{"destination", destination_.name},
                                           {"notifications", added.old},
                                           {"why", "older than max_age_s"}});
    }
    if (added.gone > 0) {
      parts_.log.warn("delivery_lost", {{"destination", destination_.name},
                                        {"notifications", added.gone},
                                        {"why", "the store does not keep them any more"}});
    }
  }

  void send(DeliveryQueue& queue) {
    if (webhook_ != nullptr) {
      while (const Letter* letter = queue.next(now())) {
        tasks_.add(
            webhook_->post(*letter).then([this, &queue, place = letter->place](Posted posted) {
              finished(queue, place, posted);
              pump();
            }));
      }
      return;
    }
    if (!writing_) write_lines(queue);
  }

  void write_lines(DeliveryQueue& queue) {
    std::vector<NotificationPlace> places;
    std::vector<std::string> lines;
    while (const Letter* letter = queue.next(now())) {
      places.push_back(letter->place);
      lines.push_back(letter->body);
    }
    if (lines.empty()) return;
    writing_ = true;
    auto work = [&desk = desk_, lines = std::move(lines)](const auto&) {
      return desk.output.write(lines);
    };
    tasks_.add(delivery_.workers_.run<Result<void>>(work).then(
        [this, &queue, places = std::move(places)](Result<void> written) {
          writing_ = false;
          Posted posted{{Verdict::Delivered, {}}, ""};
          if (!written) posted = {{Verdict::Failed, {}}, written.error().message};
          for (const NotificationPlace& place : places) finished(queue, place, posted);
          pump();
        }));
  }

  void finished(DeliveryQueue& queue, const NotificationPlace& place, const Posted& posted) {
    const Letter letter = queue.letter(place);
    const uint64_t attempts = queue.attempts(place);
    const Fate fate = queue.done(place, posted.attempt, now());
    if (fate == Fate::Done) {
      ++counts_.sent;
      parts_.log.info(
          "delivered",
          {{"destination", destination_.name}, {"id", letter.id}, {"attempts", attempts}});
    } else if (fate == Fate::Again) {
      ++counts_.retried;
      const int64_t wait_us = raw(queue.next_attempt(place)) - raw(now());
      parts_.log.warn(
          "delivery_failed",
          {{"destination", destination_.name},
           {"id", letter.id},
           {"attempts", attempts},
           {"why", posted.why},
           {"again_in_ms", static_cast<uint64_t>(std::max<int64_t>(0, wait_us) / 1000)}});
    } else {
      ++counts_.dead;
      parts_.log.warn("delivery_given_up", {{"destination", destination_.name},
                                            {"id", letter.id},
                                            {"attempts", attempts},
                                            {"why", posted.why}});
      bury(queue, {letter, static_cast<uint32_t>(attempts), now(), posted.why});
    }
    // Its file stays until all of it is done: there is nothing to record.
    if (&queue != &queue_) {
      (void)queue.cursor();
      queue.saved(true);
    }
  }

  void bury(DeliveryQueue& queue, DeadLetter dead) {
    auto work = [&desk = desk_, dead](const auto&) { return desk.files.bury(dead); };
    tasks_.add(delivery_.workers_.run<Result<bool>>(work).then(
        [this, &queue, dead](Result<bool> buried) -> kj::Promise<void> {
          if (!buried) {
            trouble("delivery_dead_letters", buried.error());
            return parts_.timer.afterDelay(kAfterFailedBurial).then([this, &queue, dead] {
              bury(queue, dead);
            });
          }
          if (*buried) {
            parts_.log.warn("delivery_dead_letters",
                            {{"destination", destination_.name},
                             {"why", "there are too many: the older half was removed"}});
          }
          queue.buried(dead.letter.place);
          if (&queue != &queue_) {
            (void)queue.cursor();
            queue.saved(true);
          }
          pump();
          return kj::READY_NOW;
        }));
  }

  void save() {
    saving_ = true;
    auto work = [&desk = desk_, cursor = queue_.cursor()](const auto&) {
      return desk.files.write_cursor(cursor);
    };
    tasks_.add(delivery_.workers_.run<Result<void>>(work).then([this](Result<void> saved) {
      saving_ = false;
      queue_.saved(saved.ok());
      if (!saved) {
        save_failed_ = true;
        trouble("delivery_cursor", saved.error());
      }
      pump();
    }));
  }

  void pump_again() {
    if (again_reading_) return;
    if (again_ && again_->end) {
      if (again_->queue.open() == 0) end_again();
      return;
    }
    if (again_ && again_->queue.room() < destination_.policy.window) return;
    if (!again_ && !std::exchange(look_for_again_, false)) return;
    again_reading_ = true;
    auto work = [&desk = desk_, offset = again_ ? again_->offset : 0,
                 line = again_ ? again_->line : 0, limit = size_t{destination_.policy.window}](
                    const auto&) { return desk.files.read_again(offset, line, limit); };
    using Read = Result<std::optional<DeliveryFiles::Again>>;
    tasks_.add(delivery_.workers_.run<Read>(work).then([this](Read read) {
      again_reading_ = false;
      if (!read) {
        trouble("delivery_again", read.error());
      } else if (*read) {
        take_again(std::move(**read));
      } else if (again_) {
        again_->end = true;  // somebody took the file away
      }
    }));
  }

  void take_again(DeliveryFiles::Again read) {
    if (!again_) {
      // They were taken over in time once.
      alert::DeliveryPolicy policy = destination_.policy;
      policy.most_age_us = INT64_MAX;
      again_.emplace(Again{DeliveryQueue(policy, {})});
    }
    parts_.log.info("delivery_again", {{"destination", destination_.name},
                                       {"notifications", uint64_t{read.letters.size()}},
                                       {"bad_lines", read.bad_lines}});
    const NotificationPlace up_to{Lsn{read.next_line}, alert::kLastOrdinal};
    again_->offset = read.next_offset;
    again_->line = read.next_line;
    again_->end = read.end;
    again_->queue.add(std::move(read.letters), up_to, now());
    pump();
  }

  void end_again() {
    again_.reset();
    again_reading_ = true;
    auto work = [&desk = desk_](const auto&) { return desk.files.remove_again(); };
    tasks_.add(delivery_.workers_.run<Result<void>>(work).then([this](Result<void> removed) {
      again_reading_ = false;
      if (!removed && removed.error().code != ErrorCode::NotFound) {
        trouble("delivery_again", removed.error());
      }
    }));
  }

  // An event at that time, unless there is one before.
  void arm(std::optional<TimeUs> time) {
    if (!time || (armed_ && *armed_ <= *time)) return;
    armed_ = time;
    const int64_t wait_us = std::max<int64_t>(1000, raw(*time) - raw(now()));
    tasks_.add(parts_.timer.afterDelay(wait_us * kj::MICROSECONDS).then([this, at = *time] {
      if (armed_ == at) armed_.reset();
      pump();
    }));
  }

  void publish() {
    counts_.waiting = queue_.open() + (again_ ? again_->queue.open() : 0);
    counts_.oldest_us = raw(queue_.oldest().value_or(TimeUs{}));
  }

  // Once for each time that it is another one.
  void trouble(std::string_view event, const Error& error) {
    if (error.message == last_trouble_) return;
    last_trouble_ = error.message;
    parts_.log.warn(event, {{"destination", destination_.name}, {"why", error.message}});
  }

  Delivery& delivery_;
  const Parts& parts_;
  const Destination& destination_;
  Desk& desk_;
  DeliveryCounts& counts_;
  const std::unique_ptr<Webhook> webhook_;  // null: lines
  DeliveryQueue queue_;
  std::optional<Again> again_;
  bool behind_ = true;  // there may be more to read
  bool reading_ = false;
  bool writing_ = false;
  bool saving_ = false;
  bool save_failed_ = false;  // until the next look
  bool look_for_again_ = true;
  bool again_reading_ = false;
  int looks_ = 0;
  std::optional<TimeUs> armed_;
  std::string last_trouble_;
  kj::TaskSet tasks_;  // first to go: they use all the others
};

Delivery::Delivery(const Parts& parts)
    : parts_(parts), workers_(parts.bridge, 1, "cairn-deliver") {}
Delivery::~Delivery() noexcept(false) = default;

Result<std::unique_ptr<Delivery>> Delivery::open(const Parts& parts,
                                                 const std::vector<Destination>& destinations) {
  std::unique_ptr<Delivery> made(new Delivery(parts));
  CAIRN_TRY_ASSIGN(const Lsn last, parts.source.last());
  for (const Destination& destination : destinations) CAIRN_TRY(made->add(destination, last));
  return made;
}

Result<void> Delivery::add(const Destination& destination, Lsn last) {
  auto desk = std::make_unique<Desk>(parts_, destination);
  CAIRN_TRY_ASSIGN(alert::DeliveryCursor cursor, desk->files.read_cursor());
  if (cursor.read_to.lsn > last) {
    return make_error(
        ErrorCode::Corruption,
        fmt::format("{}: it has read up to record {}, but the store ends with {}; was a backup "
                    "restored? Remove it to send again all that is not too old",
                    desk->files.cursor_path(), raw(cursor.read_to.lsn), raw(last)));
  }
  std::unique_ptr<Webhook> webhook;
  if (destination.kind == Destination::Kind::Webhook) {
    CAIRN_TRY_ASSIGN(webhook,
                     Webhook::make(destination, parts_.network, parts_.timer, parts_.clock));
  }
  auto counts = std::make_unique<DeliveryCounts>();
  counts->name = destination.name;
  parts_.log.info("destination", {{"name", destination.name},
                                  {"kind", kind_name(destination.kind)},
                                  {"read_to", raw(cursor.read_to.lsn)},
                                  {"open", uint64_t{cursor.open.size()}}});
  couriers_.push_back(std::make_unique<Courier>(*this, destination, *desk, *counts,
                                                std::move(cursor), std::move(webhook)));
  counts_->push_back(std::move(counts));
  desks_.push_back(std::move(desk));
  return {};
}

void Delivery::start() {
  polling_ = poll().eagerlyEvaluate([this](kj::Exception&& exception) {
    parts_.log.write("error", "delivery", {{"why", exception.getDescription().cStr()}});
  });
}

kj::Promise<void> Delivery::poll() {
  for (const auto& courier : couriers_) courier->look();
  return parts_.timer.afterDelay(kBetweenLooks).then([this] { return poll(); });
}

void Delivery::finish() { stopping_ = true; }

bool Delivery::idle() const {
  return std::all_of(couriers_.begin(), couriers_.end(),
                     [](const auto& courier) { return courier->idle(); });
}

}  // namespace cairn::server
