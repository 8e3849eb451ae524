# A job of Sidekiq, carried out by a worker that reads this file too.
require "json"
require "sidekiq"

Sidekiq.configure_server { |config| config.redis = { url: ENV["REDIS_URL"] } }
Sidekiq.configure_client { |config| config.redis = { url: ENV["REDIS_URL"] } }

class Remember
  include Sidekiq::Worker

  def perform(number)
    Sidekiq.redis { |redis| redis.set("done", number) }
  end
end

def outcome
  worker = spawn("sidekiq", "-r", __FILE__, "-c", "1", out: File::NULL, err: File::NULL)
  Remember.perform_async(5)
  300.times do
    return "works" if Sidekiq.redis { |redis| redis.get("done") }
    sleep 0.1
  end
  "nothing was done"
rescue StandardError => e
  e.message.include?("NOPERM") ? "refused" : e.message
ensure
  Process.kill("KILL", worker)
end

puts JSON.generate({ job: outcome }) if $PROGRAM_NAME == __FILE__
