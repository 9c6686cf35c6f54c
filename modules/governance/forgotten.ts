import { TerraformElement } from 'cdktf';
import type { Construct } from 'constructs';

/**
 * A resource that is here no longer, but may have been: Terraform forgets it, and leaves it alone. Without this a resource goes
 * with the lines that declared it, `prevent_destroy` included. Where there never was one, nothing happens.
 */
export class Forgotten extends TerraformElement {
  readonly #type: string;

  /**
   * @param id the resource's own id in this scope
   * @param type the resource's type, `aws_organizations_account` for example
   */
  constructor(scope: Construct, id: string, type: string) {
    super(scope, id, type);
    this.#type = type;
  }

  override toTerraform(): object {
    return { removed: [{ from: `${this.#type}.${this.friendlyUniqueId}`, lifecycle: { destroy: false } }] };
  }
}
