// A call that a worker answers. Thread: that of the loop.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "server/convert.h"
#include "server/question.h"

namespace cairn::server {

// Runs `work(cancelled)`, which returns an Answer<T>, on a worker; then `write(results, T)` or the
// refusal goes into the context's results. `text` is what a slow call is logged with. Counts as a
// call of the caller's meanwhile. Dropping the promise cancels the work.
template <class T, class Context, class Work, class Write>
kj::Promise<void> answer_on_worker(Host& host, std::shared_ptr<Caller> caller, Context context,
                                   CallKind kind, std::string text, Work work, Write write) {
  auto held = kj::heap<Caller::Held>(caller);
  return host.workers
      .template run<Answer<T>>([&host, caller, kind, text = std::move(text),
                                work = std::move(work)](const auto& cancelled) -> Answer<T> {
        const TimeUs begin = host.steady.now();
        Answer<T> answer = work(cancelled);
        note_time(host, kind, caller->grant().name, text, raw(host.steady.now()) - raw(begin));
        return answer;
      })
      .then([&host, context, write = std::move(write)](Answer<T> answer) mutable {
        if (auto* refusal = std::get_if<Refusal>(&answer)) {
          write_error(context.getResults().initError(), counted(host, *refusal));
          return;
        }
        write(context.getResults(), std::get<T>(answer));
      })
      .attach(kj::mv(held));
}

}  // namespace cairn::server
