/**
 * Whether a message, the row `d` of the ledger, arrived, and whether it failed: never both. Of what contradicts itself (carriers take back what they
 * reported) the later word counts, and of two at one instant the failure: what SMTP took was delivered at that instant until somebody says otherwise. A
 * bounce undoes a delivery whenever it comes; whoever opened a message has it, whatever is said of it.
 */
export const DELIVERED = `(d.status = 'accepted' AND d.delivered_at IS NOT NULL AND (d.opened_at IS NOT NULL OR (d.bounced_at IS NULL AND (d.failed_at IS NULL OR d.failed_at < d.delivered_at))))`;
export const FAILED = `(d.status = 'rejected' OR (d.failed_at IS NOT NULL AND d.opened_at IS NULL AND (d.delivered_at IS NULL OR d.failed_at >= d.delivered_at)))`;
